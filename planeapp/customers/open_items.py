"""The open work items of a company, told from our own tables: no call is made."""

from __future__ import annotations

from collections.abc import Iterable

from planeapp.customers.models import Company
from planeapp.customers.rule_steps import Tied
from planeapp.installations.models import Connection
from planeapp.sync.models import ItemLink, Tie

OPEN = frozenset({"backlog", "unstarted", "started"})


def open_items(connection: Connection, company: Company) -> list[Tied]:
    """Work items tied to the company, by a tie or by a label, oldest first: those that are open, and (``sure`` false) those
    of which we do not know it."""
    ties = list(Tie.objects.filter(connection=connection, party_id=company.remote_id).order_by("pk"))
    labelled = _labelled(connection, company)
    links = {str(link.item_id): link for link in _links(connection, [tie.item_id for tie in ties])} | labelled
    active = [
        Tied(str(tie.project_id), str(tie.item_id), tie.item_key) for tie in ties if tie.state == Tie.State.ACTIVE
    ]
    spoken_of = {str(tie.item_id) for tie in ties}
    others = [
        Tied(str(link.pair.project_id), item, link.item_key) for item, link in labelled.items() if item not in spoken_of
    ]
    found = (_known(tied, links.get(tied.item)) for tied in [*active, *others])
    return [tied for tied in found if tied is not None]


def _known(tied: Tied, link: ItemLink | None) -> Tied | None:
    """With what the link knows; None when the work item is finished."""
    if link is None or "state" not in link.ours:
        return Tied(tied.project, tied.item, tied.key, sure=False)
    return Tied(tied.project, tied.item, tied.key or link.item_key) if link.ours["state"] in OPEN else None


def _links(connection: Connection, items: Iterable[object]) -> list[ItemLink]:
    rows = ItemLink.objects.filter(pair__connection=connection, state=ItemLink.State.LINKED, item_id__in=list(items))
    return list(rows.select_related("pair"))


def _labelled(connection: Connection, company: Company) -> dict[str, ItemLink]:
    """Links that agreed on this company last, by whatever ties them: work item → link."""
    rows = ItemLink.objects.filter(pair__connection=connection, state=ItemLink.State.LINKED)
    about = rows.filter(ours__parties__icontains=company.remote_id).select_related("pair").order_by("created_at")
    return {str(link.item_id): link for link in about if company.remote_id in (link.ours.get("parties") or ())}
