"""Tying work items to companies, whoever asks: the bot, a page, a rule, a Plane customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from planeapp.customers.models import Company
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings
from planeapp.providers import provider_class
from planeapp.sync import due
from planeapp.sync.due import Wish
from planeapp.sync.guard import FEW_CHANGES, SHARE_OF_CHANGES
from planeapp.sync.models import ItemLink, ProjectPair, Tie

ONE_BY_ONE = 20
"""Up to so many items of a pair are looked at one by one; beyond, one look at all of it costs fewer calls."""


def pair_for(connection: Connection, project_id: str) -> ProjectPair:
    """The pair of a Plane project, made when it is missing and the vendor has a single place.

    FixSettings where an admin has to pair the project first.
    """
    known = connection.pairs.filter(project_id=project_id).first()
    if known is not None:
        return known
    vendor = provider_class(connection.provider)
    if vendor.only_place is None:
        raise FixSettings(
            f"project {project_id} is not paired",
            person=f"This project is not paired with {vendor.name} yet. An admin can do that in the settings.",
        )
    project = side_for(connection.installation).project(project_id)
    return ProjectPair.objects.get_or_create(
        connection=connection, project_id=project_id,
        defaults={
            "project_name": str(project.get("name") or ""), "project_key": str(project.get("identifier") or "")[:20],
            "zone": project.get("timezone") or connection.installation.zone,
            "place_id": vendor.only_place.id, "place_name": vendor.only_place.name,
        },
    )[0]  # fmt: skip


def tie(
    connection: Connection, project_id: str, item_id: str, company: Company, *,
    origin: Tie.Origin = Tie.Origin.PERSON, item_key: str = "", contacts: Sequence[str] = (),
) -> Tie:  # fmt: skip
    """Tie a work item to a company. Repeating it changes nothing; only a person revives a tie that a person took off.

    ``contacts`` are added to those that the tie has. Nobody is told yet: see :func:`look`.
    """
    fresh = {"project_id": project_id, "item_key": item_key, "party_name": company.name, "origin": origin}
    with transaction.atomic():
        found, made = Tie.objects.select_for_update().get_or_create(
            connection=connection, item_id=item_id, party_id=company.remote_id, defaults=fresh
        )
        if made and not contacts:
            return found
        if origin == Tie.Origin.PERSON:
            found.state, found.origin = Tie.State.ACTIVE, origin
        found.item_key, found.party_name = item_key or found.item_key, company.name
        found.contacts = sorted({*found.contacts, *contacts})
        found.save()
    return found


def untie(connection: Connection, item_id: str, party_id: str, *, by_person: bool = True) -> bool:
    """Take a tie off; false when there was none. One that a person takes off is not tied again by a rule.

    ``by_person`` false: whatever tied them says so no longer; ties that a person made stay.
    """
    ties = Tie.objects.filter(connection=connection, item_id=item_id, party_id=party_id)
    if not by_person:
        return bool(ties.exclude(origin=Tie.Origin.PERSON).filter(state=Tie.State.ACTIVE).delete()[0])
    return bool(ties.exclude(state=Tie.State.OFF).update(state=Tie.State.OFF))


def shut_out(connection: Connection, project_id: str, item_id: str, party_id: str, name: str, key: str = "") -> None:
    """Keep an item untied from a company that it is tied to by a label: a person said so."""
    Tie.objects.update_or_create(
        connection=connection, item_id=item_id, party_id=party_id,
        defaults={"project_id": project_id, "item_key": key, "party_name": name[:255], "state": Tie.State.OFF},
    )  # fmt: skip


def move(connection: Connection, from_party: str, company: Company) -> int:
    """Tie everything that was tied to one company to another one; gives the number of work items.

    A person asked for it, so the guard lets the look that follows pass, however much it changes.
    """
    with transaction.atomic():
        ties = list(
            Tie.objects.select_for_update()
            .filter(connection=connection, party_id=from_party)
            .exclude(state=Tie.State.OFF)
        )
        there = Tie.objects.filter(connection=connection, party_id=company.remote_id)
        taken = set(there.filter(item_id__in=[one.item_id for one in ties]).values_list("item_id", flat=True))
        moving = [one.pk for one in ties if one.item_id not in taken]
        Tie.objects.filter(pk__in=[one.pk for one in ties if one.item_id in taken]).delete()
        Tie.objects.filter(pk__in=moving).update(
            party_id=company.remote_id, party_name=company.name, state=Tie.State.ACTIVE, shown=False, contacts=[]
        )
        look(connection, [(str(one.project_id), str(one.item_id)) for one in ties], allowed=True)
    return len(ties)


def look(connection: Connection, items: Iterable[tuple[str, str]], *, allowed: bool = False) -> None:
    """Have work items, given as (project, item), looked at soon. ``allowed``: a person agreed to change them all."""
    by_project: dict[str, set[str]] = defaultdict(set)
    for project, item in items:
        by_project[project].add(item)
    pairs = {str(pair.project_id): pair for pair in connection.pairs.filter(enabled=True, project_id__in=by_project)}
    for project, pair in pairs.items():
        wanted = by_project[project]
        if len(wanted) <= ONE_BY_ONE:
            due.ask_all([Wish(pair.pk, item) for item in sorted(wanted)], reason="its companies changed")
            continue
        linked = pair.links.filter(state=ItemLink.State.LINKED).count() if allowed else 0
        if allowed and len(wanted) > max(FEW_CHANGES, SHARE_OF_CHANGES * linked):
            ProjectPair.objects.filter(pk=pair.pk).update(allow_once=True)
        due.ask(pair, reason="companies of many items changed")


def of_item(connection: Connection, item_id: str | UUID) -> list[Tie]:
    """The ties of a work item that count, by company name."""
    return list(
        Tie.objects.filter(connection=connection, item_id=item_id, state=Tie.State.ACTIVE).order_by("party_name")
    )
