"""What waits in a workspace, for parts that stand on many pages."""

from __future__ import annotations

from django import template

from planeapp.dashboard.progress import Progress, progress_of
from planeapp.installations.models import Connection, Installation
from planeapp.sync import conflicts, jobs

register = template.Library()


@register.simple_tag
def open_conflicts(installation: Installation) -> int:
    """How many conflicts wait for somebody to choose; several parts of a page ask once."""
    known: dict[str, int] = vars(installation)
    if "open_conflicts" not in known:
        known["open_conflicts"] = conflicts.open_in(installation).count()
    return known["open_conflicts"]


@register.simple_tag
def backfills_of(connection: Connection) -> list[Progress]:
    """The backfills of a connection's pairs that are under way."""
    found = jobs.open_in(connection.installation).filter(kind="backfill", pair__connection=connection)
    return [progress_of(job) for job in found]
