"""Which work items belong to which companies, and why, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from planeapp.customers.book import has_companies
from planeapp.customers.cache import by_ids
from planeapp.customers.models import Company
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection, Installation
from planeapp.plane.bodies import clean_id
from planeapp.sync.models import ItemLink, LabelTie, Tie, TimelineEntry

WHY = {
    Tie.Origin.PERSON: "Tied by a person", Tie.Origin.CUSTOMER: "By a Plane customer", Tie.Origin.RULE: "By a rule",
}  # fmt: skip
BY_LABEL = "By a label"
OPEN = ("backlog", "unstarted", "started")


@dataclass(frozen=True)
class TiedItem:
    """A work item of a company; ``state`` is the group of its state, ``""`` when it is in step with nothing yet."""

    item_id: str
    key: str
    title: str
    state: str
    why: str

    @property
    def open(self) -> bool:
        """Whether it still has to be done."""
        return self.state in OPEN


@dataclass(frozen=True)
class TiedCompany:
    """A company of a work item. ``company`` is None when we do not know it; ``gone``: it is no longer there."""

    party_id: str
    name: str
    why: str
    company: Company | None
    gone: bool


@dataclass(frozen=True)
class Spot:
    """Where a work item is."""

    project_id: str
    key: str


def companies_of(connection: Connection, item_id: UUID) -> list[TiedCompany]:
    """The companies that a work item is tied to, those that are gone among them, by name."""
    ties = {tie.party_id: tie for tie in Tie.objects.filter(connection=connection, item_id=item_id)}
    told = {
        one.party_id: (one.party_name, WHY[Tie.Origin(one.origin)])
        for one in ties.values()
        if one.state != Tie.State.OFF
    }
    told |= {
        one.party_id: (one.party_name, f"By the label {one.label}") for one in _labels(connection, item_id, set(ties))
    }
    known = by_ids(connection, told)
    found = [
        TiedCompany(party, known[party].name if party in known else name, why, known.get(party), _gone(ties.get(party)))
        for party, (name, why) in told.items()
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.party_id))


def _gone(tie: Tie | None) -> bool:
    return tie is not None and tie.state == Tie.State.GONE


def _labels(connection: Connection, item_id: UUID, decided: set[str]) -> list[LabelTie]:
    """The labels by which an item is tied to companies that nobody tied it to otherwise, or took it off."""
    links = ItemLink.objects.filter(pair__connection=connection, item_id=item_id, state=ItemLink.State.LINKED)
    parties = {party for link in links for party in link.ours.get("parties") or ()} - decided
    return (
        list(LabelTie.objects.filter(connection=connection, party_id__in=parties).order_by("label")) if parties else []
    )


def items_of(connection: Connection, company: Company) -> list[TiedItem]:
    """The work items of a company: open ones first, then by key."""
    ties = {str(tie.item_id): tie for tie in Tie.objects.filter(connection=connection, party_id=company.remote_id)}
    there = {item: tie for item, tie in ties.items() if tie.state != Tie.State.OFF}
    linked = ItemLink.objects.filter(pair__connection=connection, state=ItemLink.State.LINKED)
    links = {
        str(link.item_id): link
        for link in linked.filter(Q(item_id__in=list(there)) | Q(ours__parties__icontains=company.remote_id))
        if str(link.item_id) in there or company.remote_id in (link.ours.get("parties") or ())
    }
    wanted = {*there, *(item for item in links if item not in ties)}
    return sorted(
        (_item(item, there.get(item), links.get(item)) for item in wanted),
        key=lambda one: (not one.open, _order(one.key)),
    )


def _item(item_id: str, tie: Tie | None, link: ItemLink | None) -> TiedItem:
    ours = link.ours if link else {}
    key = (link.item_key if link else "") or (tie.item_key if tie else "")
    why = WHY[Tie.Origin(tie.origin)] if tie else BY_LABEL
    return TiedItem(item_id, key, str(ours.get("title") or ""), str(ours.get("state") or ""), why)


def _order(key: str) -> tuple[str, int, str]:
    project, _, number = key.rpartition("-")
    return project, int(number) if number.isdecimal() else 0, key


def with_companies(installation: Installation) -> list[Connection]:
    """The workspace's connections whose companies may be read."""
    rows = installation.connections.select_related("installation").order_by("provider")
    return [connection for connection in rows if has_companies(connection)]


def spot_of(installation: Installation, item_id: UUID) -> Spot | None:
    """Where a work item is, as far as our rows tell; what they do not tell is asked from Plane by the item's key."""
    link = (
        ItemLink.objects.filter(pair__connection__installation=installation, item_id=item_id)
        .select_related("pair")
        .first()
    )
    if link is not None:
        return Spot(str(link.pair.project_id), link.item_key)
    tie = Tie.objects.filter(connection__installation=installation, item_id=item_id).first()
    if tie is not None:
        return Spot(str(tie.project_id), tie.item_key)
    told = TimelineEntry.objects.filter(installation=installation, item_id=item_id).exclude(item_key="").first()
    found = by_key(installation, told.item_key) if told else None
    return found[1] if found and found[0] == str(item_id) else None


def by_key(installation: Installation, key: str) -> tuple[str, Spot] | None:
    """The id of the work item with this key (``CUST-12``), and where it is; None when there is none. Asks Plane."""
    key = key.strip().upper()
    row = plane_for(installation).item_by_key(key)
    project = clean_id((row or {}).get("project")) or clean_id((row or {}).get("project_id"))
    return (clean_id(row), Spot(project, key)) if row and project else None
