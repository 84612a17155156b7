"""One comment under each open work item that a company waits for, with what is known of the company.

It is edited in place, and only when a fact changed. Who deletes it is not given another one. What it shows is remembered as
a fingerprint (``shown``) with the comment's id (``comment``, ``""`` once it was deleted).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from planeapp.customers import errands, kept
from planeapp.customers.cache import facts, there
from planeapp.customers.company_notes import note_item
from planeapp.customers.figures import CHUNK, OPEN
from planeapp.customers.kept import Kept
from planeapp.customers.options import options_of
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import Plane
from planeapp.plane.writing import literal, paragraphs
from planeapp.sync.models import ItemLink

KIND = "card"
MOST = 20
"""So many comments are written or edited in one turn."""
MOST_COMPANIES = 10
NEVER = datetime.min.replace(tzinfo=UTC)
Facts = tuple[str, str, tuple[tuple[str, str], ...]]
"""A company's name, its address over there, and what is known of it as (label, text)."""
SEEN = (
    "pair__project_id", "item_id", "item_key", "ours__state", "ours__priority", "ours__created", "ours__parties",
)  # fmt: skip


@dataclass(frozen=True)
class Card:
    """A comment that has to be written or edited. ``place``: project, item and the item's key."""

    place: tuple[str, str, str]
    companies: tuple[Facts, ...]
    known: Kept | None
    rank: tuple[Any, ...]

    @property
    def shown(self) -> str:
        """The fingerprint of what it is to show."""
        return hashlib.sha256(json.dumps(self.companies).encode()).hexdigest()

    @property
    def missed(self) -> bool:
        """Whether it does not show that yet: there is none, or it shows something else and nobody deleted it."""
        if self.known is None or "shown" not in self.known.value:
            return bool(self.companies)
        return bool(self.known.value["comment"]) and self.known.value["shown"] != self.shown


def work(connection: Connection, key: str = "") -> None:
    """Write a few cards: those that were never shown first, urgent work before other, then the oldest."""
    if not options_of(connection).card:
        return
    now = timezone.now()
    due = sorted((card for card in _cards(connection) if _is_due(card, now)), key=lambda card: card.rank)
    plane, shut, written = plane_for(connection.installation), set[str](), 0
    for card in due:
        if card.place[0] in shut:
            continue
        if written == MOST:
            errands.ask(connection, "cards")
            return
        written += 1
        try:
            _show(plane, connection, card)
        except (FixSettings, Gone) as error:
            if error.code in kept.OF_THE_WORKSPACE:
                raise
            if error.code in kept.OF_THE_PROJECT:
                shut.add(card.place[0])
            if kept.refused(connection, KIND, card.place[1], card.known, card.shown, error):
                note_item(connection, *card.place[1:], error.code, f"No card was written: {error.person}")


def _is_due(card: Card, now: datetime) -> bool:
    return card.missed and not (card.known and card.known.rests(card.shown, now))


def _show(plane: Plane, connection: Connection, card: Card) -> None:
    project, item, _ = card.place
    html, mark = html_of(card.companies, connection.provider_name), f"card:{item}"
    comment = str(card.known.value.get("comment", "")) if card.known else ""
    if comment:
        written = plane.edit_comment(project, item, html, mark, comment=comment)
    else:
        written = plane.add_comment(project, item, html, mark)
        if written.get("comment_html") != html:
            # It was there: written by a worker that was killed before it could remember, maybe with older facts.
            written = plane.edit_comment(project, item, html, mark, comment=clean_id(written))
    kept.keep(connection, KIND, item, {"shown": card.shown, "comment": clean_id(written)})


def html_of(companies: Sequence[Facts], source: str) -> str:
    """The comment, as HTML."""
    if not companies:
        return paragraphs("This work item is tied to no company any more.")
    blocks = [_block(*company) for company in companies[:MOST_COMPANIES]]
    more = len(companies) - MOST_COMPANIES
    rest = [f"and {more} more"] if more > 0 else []
    return paragraphs("\n\n".join([f"What {literal(source)} knows:", *blocks, *rest]))


def _block(name: str, url: str, known: Iterable[tuple[str, str]]) -> str:
    title = f"[{literal(name)}]({url})" if url else literal(name)
    return "\n".join([f"**{title}**", *(f"{label}: {literal(text)}" for label, text in known)])


def _cards(connection: Connection) -> Iterator[Card]:
    """Every open work item that a company waits for, and those that have a card and no company any more."""
    known = kept.load(connection, KIND)
    links = ItemLink.objects.filter(pair__connection=connection, pair__enabled=True, state=ItemLink.State.LINKED)
    rows = [row for row in _once(links.order_by("item_id", "-updated_at").values_list(*SEEN)) if row[3] in OPEN]
    companies = _facts(connection, {party for row in rows for party in row[-1] or ()})
    for project, item, key, _, priority, made, parties in rows:
        note = known.get(item.hex)
        told = tuple(companies[party] for party in sorted(parties or ()) if party in companies)
        if told or note:
            rank = (note.at if note else NEVER, priority != "urgent", made or "~", key)
            yield Card((str(project), str(item), key), told, note, rank)


def _once(rows: Any) -> Iterator[tuple[Any, ...]]:
    before = None
    for row in rows.iterator(chunk_size=CHUNK):
        if row[1] != before:
            yield row
        before = row[1]


def _facts(connection: Connection, parties: set[str]) -> dict[str, Facts]:
    rows = there(connection).filter(remote_id__in=list(parties)).only("remote_id", "name", "url", "values")
    return {row.remote_id: (row.name, row.url, facts(row)) for row in rows.iterator(chunk_size=CHUNK)}
