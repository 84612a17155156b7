"""Labels of paired projects that name a company, by what they begin with; and what follows for the items that carry them."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from django.db import transaction

from planeapp.customers.book import book_of
from planeapp.customers.matching import own_domains
from planeapp.customers.models import Book, Reference
from planeapp.customers.reference_rows import Told, keep, leave_out
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.lib.folding import folded
from planeapp.sync import due
from planeapp.sync.due import Wish
from planeapp.sync.guard import FEW_CHANGES, SHARE_OF_CHANGES
from planeapp.sync.models import ItemLink, LabelTie, ProjectPair

log = structlog.get_logger(__name__)


def named_by(label: str, prefix: str) -> str:
    """What a label says after its prefix, as written; ``""`` when it does not begin so. Letter case and width do not matter."""
    wanted = folded(prefix)
    if not wanted or not folded(label).startswith(wanted):
        return ""
    begin = next((end for end in range(1, len(label)) if folded(label[:end]) == wanted), len(label))
    a_word = prefix[-1:].isspace() and wanted[-1].isalnum()
    return "" if a_word and not label[begin : begin + 1].isspace() else label[begin:].strip()


def read(connection: Connection, prefix: str) -> None:
    """Keep the labels as references. Without a prefix no label names a company.

    Labels come from what is known of projects, so they seldom cost a call. A project that is closed to us tells nothing:
    no label counts as gone then.
    """
    side, found, whole = side_for(connection.installation), dict[str, Told](), True
    if not side.plane.offers("labels"):
        return
    for project in connection.pairs.order_by("pk").values_list("project_id", flat=True) if prefix.strip() else ():
        try:
            names = [str(label.get("name") or "") for label in side.labels(str(project))]
        except (FixSettings, Gone) as error:
            log.warning("labels of a project cannot be read", project=str(project), detail=str(error))
            whole = False
            continue
        told = {folded(name)[:255]: told_of(name, text) for name in names if (text := named_by(name, prefix))}
        found = told | found
    keep(connection, Reference.Kind.LABEL, found)
    if whole:
        leave_out(connection, Reference.Kind.LABEL, found.keys())


def told_of(name: str, text: str) -> Told:
    """A label may say a company's name, its domain, or its external id."""
    return Told(name, next(iter(own_domains([text])), ""), text)


def follow(connection: Connection) -> bool:
    """Make what labels stand for what was matched; items are looked at again only when something changed about that."""
    mine = Book.objects.select_for_update().filter(pk=book_of(connection).pk)
    with transaction.atomic():
        mine.get()  # one at a time
        wanted, known = _wanted(connection), {tie.label: tie for tie in LabelTie.objects.filter(connection=connection)}
        changed = _write(connection, wanted, known)
        if changed:
            pairs = connection.pairs.filter(enabled=True).values_list("pk", flat=True)
            due.ask_all([Wish(pair) for pair in pairs], reason="labels of companies changed")
    return changed


def _wanted(connection: Connection) -> dict[str, tuple[str, str]]:
    rows = Reference.objects.filter(
        connection=connection, kind=Reference.Kind.LABEL, state=Reference.State.MATCHED, gone_at=None,
        company__isnull=False, company__gone_at=None,
    )  # fmt: skip
    return {key: (party, name) for key, party, name in rows.values_list("key", "company__remote_id", "company__name")}


def _write(connection: Connection, wanted: dict[str, tuple[str, str]], known: dict[str, LabelTie]) -> bool:
    """Whether a label stands for another company than before; a company's new name alone is written, and changes nothing."""
    gone = [tie.pk for label, tie in known.items() if label not in wanted]
    fresh = [
        LabelTie(connection=connection, label=label, party_id=wanted[label][0])
        for label in wanted.keys() - known.keys()
    ]
    moved = [tie for label, tie in known.items() if label in wanted and tie.party_id != wanted[label][0]]
    named = [tie for label, tie in known.items() if label in wanted and (tie.party_id, tie.party_name) != wanted[label]]
    for tie in (*fresh, *named):
        tie.party_id, tie.party_name = wanted[tie.label]
    LabelTie.objects.filter(pk__in=gone).delete()
    LabelTie.objects.bulk_create(fresh)
    LabelTie.objects.bulk_update(named, ["party_id", "party_name"])
    return bool(gone or fresh or moved)


def let_pass(connection: Connection, labels: Collection[str]) -> None:
    """A person said what these labels (folded) stand for: where the guard would stop the look that follows because of the
    many items that carry them, it lets it pass once."""
    for pair in connection.pairs.filter(enabled=True) if labels else ():
        held = list(pair.links.filter(state=ItemLink.State.LINKED).values_list("ours", flat=True).iterator())
        carrying = sum(any(folded(name)[:255] in labels for name in ours.get("labels") or ()) for ours in held)
        if carrying > max(FEW_CHANGES, SHARE_OF_CHANGES * len(held)):
            ProjectPair.objects.filter(pk=pair.pk).update(allow_once=True)
