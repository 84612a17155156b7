"""Calls to the vendors in a week of changes on 2,000 linked work items, against the fewest that could do the same.

Every change is delivered, and so is what comes back of our own writes; time is moved by hand, so that what is kept for a
while is asked for anew as often as in a real week. ``value`` are the calls that changes cost, ``control`` the fewest:

- a change in Plane, delivered whole: one look at the other row (so that nobody's change is overwritten), one write;
- a change at the vendor: one look there (an event is a hint), one at the work item, one write;
- each burst of work needs a session with the vendor: a handshake, and its tools listed once.

Told beside it: calls for echoes of our own writes (fewest: 0), for news that concern nobody (fewest: 0; a project's states,
people and labels are asked for anew now and then), and of the full looks (fewest: a session and one call a page).
"""

from __future__ import annotations

from tests.benchmarks.own_django import product_in_process


def main() -> None:
    """Live the week, print."""
    with product_in_process("week") as week:
        week.main()
