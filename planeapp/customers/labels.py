"""A label on each tied work item that names the company: where an admin wants it, or the plan has no customers.

It is put on once: ``Tie.shown`` remembers that, so whoever takes it off is not fought. Companies of one name get labels of
their own. With a label prefix our labels stand for the very company, as a person's choice would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from planeapp.customers import errands, kept
from planeapp.customers.cache import there
from planeapp.customers.company_notes import note_item
from planeapp.customers.mirror_customers import customers_of
from planeapp.customers.models import Company, Reference
from planeapp.customers.options import Options, options_of
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.lib.folding import folded
from planeapp.plane.adding import add_label
from planeapp.plane.side import PlaneSide
from planeapp.sync.models import LabelTie, Tie

KIND = "label"
MOST = 20
"""So many work items are labelled in one turn."""
PREFIX = "customer: "
LONGEST = 255
OURS = "Groundcrew"
"""Who decided what a label of ours stands for."""


def work(connection: Connection, key: str = "") -> None:
    """Label a few work items, those tied first."""
    options = options_of(connection)
    if not _wanted(connection, options):
        return
    side, names, shut, done = side_for(connection.installation), _Names(connection, options.label_prefix), set[str](), 0
    for ties in _waiting(connection):
        project = str(ties[0].project_id)
        if project in shut:
            continue
        if done == MOST:
            errands.ask(connection, "labels")
            return
        done += 1
        try:
            _label(side, ties, [names.of(tie.party_id) for tie in ties])
        except FixSettings as error:
            if error.code in kept.OF_THE_WORKSPACE:
                raise
            if error.code in kept.OF_THE_PROJECT:
                shut.add(project)
            _refused(connection, side, ties, error)


def _wanted(connection: Connection, options: Options) -> bool:
    if options.labels:
        return True
    return options.customers in ("linked", "all") and not customers_of(connection)


def _waiting(connection: Connection) -> list[list[Tie]]:
    """Ties whose label is still to come, by work item, oldest first; without those that were refused lately."""
    known, now = kept.load(connection, KIND), timezone.now()
    rows = Tie.objects.filter(connection=connection, state=Tie.State.ACTIVE, shown=False)
    rows = rows.filter(party_id__in=there(connection).values("remote_id")).order_by("created_at", "pk")
    found: defaultdict[str, list[Tie]] = defaultdict(list)
    for tie in rows.iterator(chunk_size=2000):
        found[tie.item_id.hex].append(tie)
    return [ties for item, ties in found.items() if item not in known or not known[item].rests(_wish(ties), now)]


def _wish(ties: Sequence[Tie]) -> str:
    return ",".join(sorted(tie.party_id for tie in ties))


def _label(side: PlaneSide, ties: Sequence[Tie], names: Sequence[str]) -> None:
    """Put labels on one work item, beside those that it has; one that is gone or archived needs none."""
    project, item = str(ties[0].project_id), str(ties[0].item_id)
    with suppress(Gone):
        for name in dict.fromkeys(names):
            add_label(side, project, item, name)
    Tie.objects.filter(pk__in=[tie.pk for tie in ties]).update(shown=True)


def _refused(connection: Connection, side: PlaneSide, ties: Sequence[Tie], error: FixSettings) -> None:
    item = str(ties[0].item_id)
    with suppress(FixSettings, Gone):
        side.about.renew(str(ties[0].project_id), "labels")  # one of them may have been deleted since we asked
    if kept.refused(connection, KIND, item, kept.one(connection, KIND, item), _wish(ties), error):
        note_item(connection, item, ties[0].item_key, error.code, f"No label was put on it: {error.person}")


@dataclass(frozen=True)
class _Names:
    """The labels of one connection's companies. ``prefix``: labels with it stand for companies (``""``: none does)."""

    connection: Connection
    prefix: str

    def of(self, party_id: str) -> str:
        """The label that stands for the company already, or one that stands for no other."""
        company = there(self.connection).get(remote_id=party_id)
        if not self.prefix:
            return self._free(company)
        known = self._labels().filter(company=company, state=Reference.State.MATCHED, gone_at=None)
        name = known.order_by("created_at").values_list("name", flat=True).first() or self._free(company)
        _, fresh = Reference.objects.update_or_create(
            connection=self.connection, kind=Reference.Kind.LABEL, key=folded(name),
            defaults={
                "name": name, "company": company, "state": Reference.State.MATCHED, "how": Reference.How.PERSON,
                "decided_by": OURS, "candidates": [], "gone_at": None,
            },
        )  # fmt: skip
        if fresh:  # no item carries it yet, so none has to be looked at because of it
            LabelTie.objects.get_or_create(
                connection=self.connection, label=folded(name),
                defaults={"party_id": party_id, "party_name": company.name},
            )  # fmt: skip
        return name

    def _labels(self) -> QuerySet[Reference]:
        return Reference.objects.filter(connection=self.connection, kind=Reference.Kind.LABEL)

    def _free(self, company: Company) -> str:
        """Its name; with its id where an older namesake, or a label that stands for something else, has that."""
        plain = _cut(f"{self.prefix or PREFIX}{company.name}")
        namesakes = there(self.connection).filter(folded=company.folded, pk__lt=company.pk)
        others = self._labels().filter(key=folded(plain)).exclude(company=company)
        if not namesakes.exists() and not others.exists():
            return plain
        return _cut(f"{self.prefix or PREFIX}{company.name}", f" ({company.external_id or company.remote_id})")


def _cut(name: str, end: str = "") -> str:
    return name[: LONGEST - len(end)] + end
