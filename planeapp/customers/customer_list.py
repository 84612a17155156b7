"""Plane's customers, read page by page and kept as references."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from planeapp.customers.matching import own_domains
from planeapp.customers.mirror_customers import ask_again, customers_of
from planeapp.customers.models import Reference
from planeapp.customers.reference_rows import Told, keep, leave_out
from planeapp.installations.models import Connection
from planeapp.installations.notes import StoredNotes
from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import SOURCE, Plane

NOTE = "plane_customers"
EVERY = 3600.0
"""Seconds between two passes over all customers."""


def read(connection: Connection, plane: Plane) -> bool:
    """Keep the customers as references; false where the workspace has none to read.

    All are read once an hour. A pass that was stopped goes on at its page; only one that was not stopped, and in which
    nothing shifted, says which customers are gone.
    """
    if not customers_of(connection):
        return False
    notes = StoredNotes(connection)
    kept, at = notes.read(NOTE) or ({}, 0.0)
    cursor = str(kept.get("cursor") or "")
    if not cursor and time.time() - at < EVERY:
        return True
    try:
        _read_on(connection, plane, notes, cursor)
    except (FixSettings, Gone):
        ask_again(connection)
        raise
    return True


def _read_on(connection: Connection, plane: Plane, notes: StoredNotes, cursor: str) -> None:
    seen: set[str] = set()
    totals, whole = set[int | None](), not cursor
    while True:
        rows, cursor, total = plane.customers_page(cursor)
        told = {key: told_of(row) for row in rows if (key := clean_id(row))}
        keep(connection, Reference.Kind.CUSTOMER, told)
        notes.write(NOTE, {"cursor": cursor})
        seen |= told.keys()
        totals.add(total)
        if not cursor:
            break
    if whole and totals == {len(seen)}:
        leave_out(connection, Reference.Kind.CUSTOMER, seen)


def told_of(row: Mapping[str, Any]) -> Told:
    """A customer as Plane tells it. What Plane calls its domain is the industry, unless somebody wrote a domain there."""
    texts = [str(row.get(name) or "") for name in ("website_url", "email", "domain")]
    ours = row.get("external_source") == SOURCE
    external_id = str(row.get("external_id") or "")
    return Told(
        str(row.get("name") or ""),
        next(iter(own_domains(texts)), ""),
        "" if ours else external_id,
        external_id if ours else "",
    )
