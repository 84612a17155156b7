"""Reading companies: all of them page by page, those that changed lately, or one that a webhook named.

The vendor has no list of what was removed: only a whole look that saw every page undisturbed, and then a look at the company
itself, says that one is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import structlog
from django.db.models import F
from django.utils import timezone

from planeapp.customers import errands, ties
from planeapp.customers.book import book_of
from planeapp.customers.cache import take, there
from planeapp.customers.firing import release
from planeapp.customers.models import Book, Company, CompanyChange
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection
from planeapp.providers.base import Provider
from planeapp.sync.models import Tie, TimelineEntry

log = structlog.get_logger(__name__)
TOO_OLD = timedelta(hours=20)
"""A whole look that began so long ago begins anew: what it saw first says little by now."""
UNORDERED_EVERY = timedelta(hours=1)
"""How often all is read where the vendor cannot tell what changed."""
LOOKS = 50
MEANT_BY = frozenset({"created", "name", "external_id"})
FEW_GONE, SHARE_GONE = 10, 0.2


def whole(connection: Connection, key: str = "") -> None:
    """Look at all companies. Goes on at the page where it was stopped."""
    with closing(provider_for(connection)) as provider:
        book = _begun(book_of(connection), provider)
        while True:
            page = provider.companies(book.cursor)
            take(connection, page.companies, scan=book.number + 1, quiet=book.number == 0)
            book.cursor, book.steady = page.following[:200], book.steady and page.steady
            book.seen += len(page.companies)
            book.save(update_fields=["cursor", "steady", "seen"])
            if not page.following:
                break
        _remove_gone(connection, book, provider)
    _finished(connection, book)


def _begun(book: Book, provider: Provider) -> Book:
    """The whole look that is under way, or a new one. Its mark is taken before the first page, so that nothing is missed
    that changes meanwhile."""
    now = timezone.now()
    if book.begun_at is not None and now - book.begun_at < TOO_OLD:
        return book
    marked = provider.recent_companies("")
    book.begun_at, book.cursor, book.steady, book.seen = now, "", True, 0
    book.newest = marked[1][:100] if marked else ""
    book.save(update_fields=["begun_at", "cursor", "steady", "seen", "newest"])
    return book


def _finished(connection: Connection, book: Book) -> None:
    ended = Book.objects.filter(pk=book.pk, begun_at=book.begun_at)
    ended.update(number=F("number") + 1, begun_at=None, cursor="", finished_at=timezone.now())
    release(connection)
    errands.ask(connection, "match")


def _remove_gone(connection: Connection, book: Book, provider: Provider) -> None:
    """What the whole look did not see is looked at, and marked as gone. Far more than usual are left until a person agrees."""
    unseen = there(connection).filter(scan__lte=book.number, created_at__lt=book.begun_at)
    missing, known = unseen.count() if book.steady else 0, there(connection).count()
    stopped = ""
    if missing > max(FEW_GONE, SHARE_GONE * known) and not book.allow_once:
        stopped = f"{missing} of {known} companies were not listed any more, far more than usual, so none was removed."
        if stopped != book.stopped:
            _note(connection, "guard", f"{stopped} An admin can agree on the page of the companies.")
    elif missing:
        some = list(unseen.order_by("pk")[: None if book.allow_once else LOOKS])
        gone(connection, [row for row in some if provider.company(row.remote_id) is None])
    Book.objects.filter(pk=book.pk).update(stopped=stopped, **({} if stopped else {"allow_once": False}))


def recent(connection: Connection, key: str = "") -> None:
    """Look at what changed since the last look; at everything, now and then, where the vendor cannot tell."""
    book = book_of(connection)
    if book.number == 0:
        return  # the first whole look is still to come
    with closing(provider_for(connection)) as provider:
        told = provider.recent_companies(book.newest) if book.newest else None
    if told is None:
        if book.finished_at is None or timezone.now() - book.finished_at > UNORDERED_EVERY:
            errands.ask(connection, "scan")
        return
    companies, newest = told
    _match_anew(connection, take(connection, companies))
    Book.objects.filter(pk=book.pk).update(newest=newest[:100])
    release(connection)


def one(connection: Connection, key: str) -> None:
    """Look at one company, by its id over there."""
    if book_of(connection).number == 0:
        return  # whatever a first look finds is no change, and it comes by
    with closing(provider_for(connection)) as provider:
        told = provider.company(key)
    if told is None:
        gone(connection, list(there(connection).filter(remote_id=key)))
    else:
        _match_anew(connection, take(connection, [told]))
    release(connection)


def _match_anew(connection: Connection, changes: Sequence[CompanyChange]) -> None:
    """Other names and ids may decide what stands for whom."""
    if any(change.field in MEANT_BY for change in changes):
        errands.ask(connection, "match")


def gone(connection: Connection, companies: list[Company]) -> None:
    """Mark companies as gone. What was tied to them is told, sent there no longer, and waits for a person's choice."""
    if companies:
        errands.ask(connection, "match")
    for company in companies:
        Company.objects.filter(pk=company.pk).update(gone_at=timezone.now())
        tied = Tie.objects.filter(connection=connection, party_id=company.remote_id, state=Tie.State.ACTIVE)
        items = list(tied)
        tied.update(state=Tie.State.GONE)
        for tie in items:
            text = f"{company.name} is no longer there, so this work item is not shown on it. Choose another company."
            _note(connection, "company_gone", text, item_id=str(tie.item_id), item_key=tie.item_key)
        ties.look(connection, [(str(tie.project_id), str(tie.item_id)) for tie in items])


def agree(connection: Connection) -> None:
    """A person agreed that so many companies are gone: the next whole look removes them, and it comes now."""
    Book.objects.filter(connection=connection).update(allow_once=True, stopped="")
    errands.ask(connection, "scan")


def _note(connection: Connection, code: str, text: str, item_id: str = "", item_key: str = "") -> None:
    TimelineEntry.objects.create(
        installation=connection.installation, connection=connection, code=code, text=text[:500],
        item_id=item_id or None, item_key=item_key,
    )  # fmt: skip
