"""Lines for people to read: on a company's page, or on a work item's. All are the workspace's timeline.

Those of a company say what could not be shown or written: ``data`` has its id over there (``company``) and what the line is
``about``. They go as soon as it is done.
"""

from __future__ import annotations

from collections.abc import Iterable

from planeapp.customers.models import Company
from planeapp.installations.models import Connection
from planeapp.sync.models import TimelineEntry

Line = tuple[Company, str, str]
"""A company, a reason code, a sentence for people."""


def note(connection: Connection, about: str, lines: Iterable[Line]) -> None:
    """Put lines on the pages of companies of this connection."""
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            installation_id=connection.installation_id, connection=connection, code=code[:40], text=text[:500],
            data={"company": company.remote_id, "about": about},
        )
        for company, code, text in lines
    )  # fmt: skip


def settled(connection: Connection, about: str, companies: Iterable[Company]) -> None:
    """What could not be done for these companies is done now."""
    lines = TimelineEntry.objects.filter(
        installation_id=connection.installation_id, connection=connection, item_id=None
    )
    for company in companies:
        lines.filter(data__company=company.remote_id, data__about=about).delete()


def note_item(connection: Connection, item_id: str, item_key: str, code: str, text: str) -> None:
    """Put a line on the page of a work item."""
    TimelineEntry.objects.create(
        installation_id=connection.installation_id, connection=connection, code=code[:40], text=text[:500],
        item_id=item_id, item_key=item_key,
    )  # fmt: skip
