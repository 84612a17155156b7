"""20,000 companies and 10,000 linked work items, against the sandbox Planhat with its real limit of 200 calls a minute.

Read all companies, show all items over there, write the figures; then 6,000 items and 3,000 companies change and it is all
done again; then nothing changes but what our own writes stirred up (echoes). ``value`` are the pages and bulk writes that
the vendor got, ``control`` the fewest there can be (pages at their cap, bulk writes of 5,000). Told beside it: the other calls
(``beside``: definitions of fields, users, small looks at what is newest), answers 429, the worker's memory (the largest
resident size of the process that did it all), and each step's calls and seconds.
"""

from __future__ import annotations

from tests.benchmarks.own_django import product_in_process


def main() -> None:
    """Do it, print."""
    with product_in_process("companies") as companies:
        companies.main()
