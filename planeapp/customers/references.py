"""What in Plane stands for a company: labels and Plane's customers, read, matched, and carried over to work items."""

from __future__ import annotations

from planeapp.customers import customer_items, customer_list, plane_labels, settling
from planeapp.customers.options import options_of
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection


def work(connection: Connection, key: str = "") -> None:
    """One turn. It may be stopped anywhere and done twice.

    Labels come first, since they cost next to nothing.
    """
    options = options_of(connection)
    plane_labels.read(connection, options.label_prefix)
    settling.settle(connection)
    plane_labels.follow(connection)
    if options.customers != "off":
        _customers(connection)
    settling.propose(connection)


def _customers(connection: Connection) -> None:
    plane = plane_for(connection.installation)
    if customer_list.read(connection, plane):
        settling.settle(connection)
        customer_items.bring_in(connection, plane)
