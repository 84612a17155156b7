"""Commands about companies: ties are ours, the engine carries them over."""

from __future__ import annotations

from typing import Any

from planeapp.bot.context import Reply, Talk
from planeapp.installations.models import Connection
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.providers.base import Party
from planeapp.sync import engine
from planeapp.sync.models import Tie

MOST_OPTIONS = 6


def link(talk: Talk, args: dict[str, Any]) -> Reply:
    """Tie the item to each named company; an ambiguous name is asked about, and then nothing is tied."""
    connection = talk.with_field("parties")
    if connection is None:
        name = talk.provider_name("parties")
        return Reply(f"{name} is not connected yet. An admin can connect it on our settings page.", "error")
    found: list[Party] = []
    for name in args["companies"]:
        party = _one(talk, connection, name)
        if isinstance(party, Reply):
            return party
        found.append(party)
    return _tie(talk, connection, found)


def _one(talk: Talk, connection: Connection, name: str) -> Party | Reply:
    """The one company of that name, or a question to the person."""
    candidates = talk.parties(name, connection)
    exact = [party for party in candidates if party.name.casefold() == name.casefold()]
    if len(exact) == 1:
        return exact[0]
    if len(candidates) == 1 and not exact and candidates[0].name.casefold().startswith(name.casefold()):
        return candidates[0]
    system = provider_class(connection.provider).name
    if not candidates:
        return Reply(f"I found no company like “{literal(name)}” in {system}. Please check the name.", "elicitation")
    choice = (exact or candidates)[:MOST_OPTIONS]
    options = tuple({"id": party.id, "label": _label(party, choice)} for party in choice)
    return Reply(f"Which company do you mean by “{literal(name)}”?", "elicitation", options)


def _label(party: Party, among: list[Party]) -> str:
    """The name; with facts that tell namesakes apart where needed."""
    if sum(other.name == party.name for other in among) == 1:
        return party.name
    facts = ", ".join(f"{label} {text}" for label, text in party.facts[:3])
    return f"{party.name} ({facts or party.id})"


def _tie(talk: Talk, connection: Connection, parties: list[Party]) -> Reply:
    for party in parties:
        Tie.objects.update_or_create(
            connection=connection, item_id=talk.item_id, party_id=party.id,
            defaults={"project_id": talk.project, "party_name": party.name[:255]},
        )  # fmt: skip
    pair = talk.pair(connection)
    system = provider_class(connection.provider).name
    names = " and ".join(f"**{literal(party.name)}**" for party in parties)
    if pair is None:
        return Reply(f"Noted {names}. The project is not paired in {system} yet, so nothing was sent there.")
    outcome = engine.run_item(pair, talk.item_id)
    if talk.item_id in outcome.failed:
        return Reply(
            f"Noted {names}, but {system} did not take it. {literal(outcome.failed[talk.item_id].person)}", "error"
        )
    return Reply(f"Linked to {names}. {system} now shows this work item there.")
