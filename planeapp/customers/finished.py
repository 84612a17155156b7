"""When the last work item of a company is done, its people over there are told once: by a note, or a task for its owner.

``Company.counts["seen"]`` holds what the last look saw (``open``, ``closed``). The mark of what is left there has the number
of times that this happened, and that number is stored after it: whoever is killed in between leaves the same one again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from planeapp.customers import company_notes
from planeapp.customers.company_notes import Line
from planeapp.customers.figures import Work
from planeapp.customers.kept import AGAIN
from planeapp.customers.models import Company
from planeapp.installations.models import Connection
from planeapp.lib.errors import GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.plane.writing import escape
from planeapp.providers.base import Provider

ABOUT = "finished"


def is_over(company: Company, work: Work) -> bool:
    """Whether its open work has come to an end since the last look, with something done.

    Never at a first look. Items that were removed or untied end nothing: one more must be closed.
    """
    seen = company.counts.get("seen")
    if not seen or work.open or not work.completed:
        return False
    return int(seen["open"]) > 0 and work.closed > int(seen["closed"])


def remember(company: Company, work: Work) -> None:
    """Keep what was seen on the row in hand."""
    rest = {name: value for name, value in company.counts.items() if name != "untold"}
    company.counts = {**rest, "seen": {"open": work.open, "closed": work.closed}}


def rests(company: Company, now: datetime) -> bool:
    """Whether telling was refused lately."""
    untold = company.counts.get("untold")
    return bool(untold) and datetime.fromisoformat(untold["at"]) > now - AGAIN


def tell(
    connection: Connection, provider: Provider, how: str, over: Iterable[tuple[Company, Work]]
) -> list[RetryLater]:
    """Leave a ``note`` or a ``task`` on each company; gives what has to be tried again soon.

    One company's trouble does not keep the others waiting. Raises OutOfQuota and ReconnectNeeded.
    """
    late: list[RetryLater] = []
    for company, work in over:
        title, html = words(company, how, work)
        try:
            provider.tell(company.remote_id, how, title, html, f"done:{company.pk}:{company.finished + 1}")
        except (OutOfQuota, ReconnectNeeded):
            raise
        except RetryLater as error:
            late.append(error)
        except GroundcrewError as error:
            _refused(connection, company, error)
        else:
            _told(connection, company, work)
    return late


def _told(connection: Connection, company: Company, work: Work) -> None:
    if "untold" in company.counts:
        company_notes.settled(connection, ABOUT, [company])
    remember(company, work)
    Company.objects.filter(pk=company.pk, finished=company.finished).update(
        finished=F("finished") + 1, counts=company.counts
    )


def words(company: Company, how: str, work: Work) -> tuple[str, str]:
    """Title and HTML of what is left over there."""
    title = f"Tell {company.name} that their work is done" if how == "task" else f"All work for {company.name} is done"
    count = "1 work item" if work.completed == 1 else f"{work.completed} work items"
    dropped = f", {work.cancelled} cancelled" if work.cancelled else ""
    return title, f"<p>Nothing in Plane waits for {escape(company.name)} any more: {count} done{dropped}.</p>"


def _refused(connection: Connection, company: Company, error: GroundcrewError) -> None:
    known = (company.counts.get("untold") or {}).get("text")
    company.counts = {**company.counts, "untold": {"at": timezone.now().isoformat(), "text": error.person}}
    Company.objects.filter(pk=company.pk).update(counts=company.counts)
    if known != error.person:
        line: Line = (company, error.code, f"Nobody was told that its work is done: {error.person}")
        company_notes.note(connection, ABOUT, [line])
