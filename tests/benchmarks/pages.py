"""Every page of a workspace as its admin sees it, with 100,000 linked items, 1,000,000 timeline rows and 20,000 companies.

Each page is asked for through the whole of Django (middleware, session, templates) on PostgreSQL. ``value`` is the slowest
page's p95 in ms, ``control`` the same page's p95 in the same workspace before it was filled. Told for every page: its
queries, p50 and p95, the control's p95, and how often it asked a vendor (pages that ask one wait for the sandbox as well, so
they count for the queries, not for ``value``). ``overview, uncounted``: the overview when no day's figures are remembered,
as once a day. ``PAGE_VISITS`` sets how often each page is asked for (default 60).
"""

from __future__ import annotations

from tests.benchmarks.own_django import product_in_process


def main() -> None:
    """Do it, print."""
    with product_in_process("visits") as visits:
        visits.main()
