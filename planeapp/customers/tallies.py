"""Figures of its work on each company over there: open, urgent, oldest. Written when they change, all in one go.

``Company.counts`` holds what was written last (``open``, ``urgent``, ``oldest`` as an ISO day). Beside them ``refused``: the
figures that the other system did not take, when, and its reason; these are tried again when they change, once a day, or when
a person asks. What ``finished`` keeps there stands in its own module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from planeapp.customers import company_notes, errands, finished
from planeapp.customers.cache import there
from planeapp.customers.company_notes import Line
from planeapp.customers.figures import CHUNK, Work, work_of
from planeapp.customers.kept import AGAIN
from planeapp.customers.models import Company
from planeapp.customers.options import Options, options_of
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import GroundcrewError, ReconnectNeeded, RetryLater
from planeapp.providers.base import Provider, Tally

ABOUT = "tallies"
MOST_TOLD = 25
"""So many companies are told of the end of their work in one turn."""
SAVED_AT_ONCE = 100
"""Of larger batches each row takes longer."""
SHOWN = ("open", "urgent", "oldest")
NO_WORK = Work()


def figures(connection: Connection) -> dict[str, Tally]:
    """Company id → figures, for every company that has work. Asks nobody."""
    return {party: work.tally for party, work in work_of(connection).items()}


def retry(company: Company) -> None:
    """A person wants what was refused to be tried again now."""
    counts = {name: value for name, value in company.counts.items() if name not in ("refused", "untold")}
    Company.objects.filter(pk=company.pk).update(counts=counts)
    for about in (ABOUT, finished.ABOUT):
        company_notes.settled(company.connection, about, [company])
    errands.ask(company.connection, "tallies")


def work(connection: Connection, key: str = "") -> None:
    """Tell companies whose work is done, then write the figures that changed."""
    options = options_of(connection)
    if options.finished == "off":
        _forget_seen(connection)
    if not options.tallies and options.finished == "off":
        return
    found = work_of(connection)
    rows = [(row, found.get(row.remote_id, NO_WORK)) for row in _concerned(connection, found)]
    before = {row.pk: row.counts for row, _ in rows}
    written, lines = list[Company](), list[Line]()
    try:
        with closing(provider_for(connection)) as provider:
            late = _finish(connection, provider, options, rows)
            if options.tallies:
                written, lines = _write(provider, rows)
    finally:
        _save(row for row, _ in rows if row.counts != before[row.pk])
    company_notes.settled(connection, ABOUT, written)
    company_notes.note(connection, ABOUT, lines)
    if late:
        raise late[0]


def _save(rows: Iterable[Company]) -> None:
    Company.objects.bulk_update(rows, ["counts"], batch_size=SAVED_AT_ONCE)


def _forget_seen(connection: Connection) -> None:
    """Nobody is told: once it is switched on again, the first look counts as the first."""
    rows = list(Company.objects.filter(connection=connection, counts__has_key="seen").only("counts"))
    for row in rows:
        row.counts = {name: value for name, value in row.counts.items() if name not in ("seen", "untold")}
    _save(rows)


def _concerned(connection: Connection, found: Mapping[str, Work]) -> Iterator[Company]:
    """Companies that have work, or had some when they were last looked at."""
    rows = there(connection).filter(Q(remote_id__in=list(found)) | ~Q(counts={}))
    return rows.only("remote_id", "name", "counts", "finished").iterator(chunk_size=CHUNK)


def _finish(
    connection: Connection, provider: Provider, options: Options, rows: list[tuple[Company, Work]]
) -> list[RetryLater]:
    """Remember what was seen of all, and tell those whose work has ended; gives what has to be tried again soon."""
    if options.finished == "off":
        return []
    over = [(row, work) for row, work in rows if finished.is_over(row, work)]
    ending = {row.pk for row, _ in over}
    for row, work in rows:
        if row.pk not in ending:
            finished.remember(row, work)
    now = timezone.now()
    telling = [(row, work) for row, work in over if not finished.rests(row, now)]
    late = finished.tell(connection, provider, options.finished, telling[:MOST_TOLD])
    if len(telling) > MOST_TOLD:
        errands.ask(connection, "tallies")
    return late


def _write(provider: Provider, found: list[tuple[Company, Work]]) -> tuple[list[Company], list[Line]]:
    """Write the figures that changed. Gives the companies that were refused before and are not now, and new refusals."""
    now = timezone.now()
    wanted = {row.remote_id: (row, work.tally) for row, work in found if _is_due(row, work.tally, now)}
    failed = provider.write_tallies({ident: tally for ident, (_, tally) in wanted.items()}) if wanted else {}
    written, lines = list[Company](), list[Line]()
    for company_id, (row, tally) in wanted.items():
        error = failed.get(company_id)
        if isinstance(error, (RetryLater, ReconnectNeeded)):
            continue  # nothing is wrong with these figures: the next turn writes them
        before = row.counts.get("refused") or {}
        row.counts = _with_outcome(row.counts, tally, error, now)
        if error is None and before:
            written.append(row)
        elif error is not None and before.get("text") != error.person:
            lines.append((row, error.code, f"The figures of its work were not written: {error.person}"))
    return written, lines


def _is_due(row: Company, tally: Tally, now: datetime) -> bool:
    """Whether other figures stand there, and these were not refused lately. Who never had any gets none without work."""
    wanted, shown = _stored(tally), {name: row.counts[name] for name in SHOWN if name in row.counts}
    if wanted == shown or (not shown and tally == Tally()):
        return False
    refused = row.counts.get("refused") or {}
    rests = bool(refused) and datetime.fromisoformat(refused["at"]) > now - AGAIN
    return not rests or refused["figures"] != wanted


def _with_outcome(
    counts: Mapping[str, Any], tally: Tally, error: GroundcrewError | None, now: datetime
) -> dict[str, Any]:
    rest = {name: value for name, value in counts.items() if name != "refused"}
    if error is None:
        return {**rest, **_stored(tally)}
    return {**rest, "refused": {"figures": _stored(tally), "at": now.isoformat(), "text": error.person}}


def _stored(tally: Tally) -> dict[str, Any]:
    return {"open": tally.open, "urgent": tally.urgent, "oldest": tally.oldest.isoformat() if tally.oldest else None}
