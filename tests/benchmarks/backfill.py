"""10,000 work items without a counterpart are brought over, against vendors that limit calls; time runs faster here.

The vendors' clocks and the worker's run ``SPEED`` times as fast as the machine's, so that limits of calls a minute hold as
in reality. The worker is killed (``kill -9``) half-way and started again. ``value`` are the vendors' minutes that it took,
``control`` the fewest: calls that are needed ÷ calls a minute that a backfill may make (the limit without what is kept for
live work). Told beside it: that bound with the whole limit, answers 429, pages read twice, rows made twice.
"""

from __future__ import annotations

from tests.benchmarks.own_django import product_in_process


def main() -> None:
    """Bring it over, print."""
    with product_in_process("bringing") as bringing:
        bringing.main()
