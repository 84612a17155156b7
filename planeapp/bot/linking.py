"""Which company a command is about, and what to say when the system that knows companies is not connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from planeapp.bot.context import Reply, Talk
from planeapp.customers import ties
from planeapp.customers.cache import by_ids, facts
from planeapp.customers.finding import find
from planeapp.customers.models import Company
from planeapp.installations.models import Connection
from planeapp.lib.folding import folded
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.sync.models import LabelTie, Tie

MOST_OPTIONS = 6
Named = str | Mapping[str, str]
"""A company as written, or ``{"id"}`` once a person has chosen."""


def not_connected(talk: Talk, field: str) -> Reply:
    """The system that keeps such a field is not connected: where an admin connects it."""
    url = address(talk, talk.provider_key(field))
    text = f"{talk.provider_name(field)} is not connected yet. An admin can connect it [on our settings page]({url})."
    return Reply(text, "elicitation", url=url)


def address(talk: Talk, key: str) -> str:
    """Where an admin connects a system."""
    return f"{settings.APP_BASE_URL}{reverse('connect', args=[talk.installation.slug, key])}"


def knowing(talk: Talk) -> Connection | Reply:
    """The connection that knows companies, or what has to be done first."""
    return talk.with_field("parties") or not_connected(talk, "parties")


def one(talk: Talk, connection: Connection, name: Named, slot: str = "company") -> Company | Reply:
    """The one company that is meant, or a question to the person; ``slot``: the argument that it is for."""
    if not isinstance(name, str):
        known = by_ids(connection, [name["id"]]).get(name["id"])
        return known or Reply("That company is no longer there. Please name another one.", "error")
    candidates = find(connection, name)
    exact = [company for company in candidates if folded(company.name) == folded(name)]
    if len(exact) == 1:
        return exact[0]
    if len(candidates) == 1 and not exact and candidates[0].folded.startswith(folded(name)):
        return candidates[0]
    pending = {"slot": slot, "name": name}
    if not candidates:
        system = provider_class(connection.provider).name
        text = f"I found no company like “{literal(name)}” in {system}. Which one do you mean?"
        return Reply(text, "elicitation", pending=pending)
    return choice(f"Which company do you mean by “{literal(name)}”?", (exact or candidates)[:MOST_OPTIONS], pending)


def choice(question: str, companies: list[Company], pending: Mapping[str, Any]) -> Reply:
    """A question with companies to choose from."""
    options = tuple({"id": company.remote_id, "label": label(company, companies)} for company in companies)
    return Reply(question, "elicitation", options, pending)


def label(company: Company, among: list[Company]) -> str:
    """The name; with what tells namesakes apart where needed."""
    if sum(other.folded == company.folded for other in among) == 1:
        return company.name
    told = [f"external id {company.external_id}"] if company.external_id else []
    told += [f"{name} {text}" for name, text in facts(company)[:3]]
    return f"{company.name} ({', '.join(told) or company.remote_id})"


def about(talk: Talk, connection: Connection, args: Mapping[str, Any]) -> Company | Reply:
    """The company that a command names, else the one that this item is tied to; a question when that is not clear."""
    if args.get("company"):
        return one(talk, connection, args["company"])
    companies = tied(talk, connection)
    if len(companies) == 1:
        return companies[0]
    pending = {"slot": "company", "name": ""}
    if not companies:
        text = "This item is not linked to a company. Which company do you mean?"
        return Reply(text, "elicitation", pending=pending)
    return choice("Which company do you mean?", companies[:MOST_OPTIONS], pending)


def tied(talk: Talk, connection: Connection) -> list[Company]:
    """The companies that the item is tied to, by name: by people, rules and labels."""
    ids = [tie.party_id for tie in ties.of_item(connection, talk.item_id)]
    labels = [folded(name) for name in talk.item.values.get("labels") or ()]
    by_label = LabelTie.objects.filter(connection=connection, label__in=labels).values_list("party_id", flat=True)
    off = set(
        Tie.objects.filter(connection=connection, item_id=talk.item_id, state=Tie.State.OFF).values_list(
            "party_id", flat=True
        )
    )
    known = by_ids(connection, [*ids, *(one_id for one_id in by_label if one_id not in off)])
    return sorted(known.values(), key=lambda company: (company.folded, company.remote_id))
