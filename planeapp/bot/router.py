"""From words to a handler: understand the text, check who may, run each command, join the answers."""

from __future__ import annotations

from django.utils import timezone

from planeapp.bot.commands import COMMANDS
from planeapp.bot.context import Reply, Talk
from planeapp.bot.handlers import HANDLERS
from planeapp.bot.understand import Spoken, Understanding, understand
from planeapp.installations.models import MEMBER
from planeapp.plane.mentions import literal

CHANGES = {command.name for command in COMMANDS if command.changes}


def respond(talk: Talk) -> Reply:
    """Do what the person asked for and say what was done."""
    heard = hear(talk)
    if heard.ask:
        return Reply(literal(heard.ask), "elicitation")
    if not heard.commands:
        return HANDLERS["help"](talk, {})
    answers = [_one(talk, spoken) for spoken in heard.commands]
    last = answers[-1]
    return Reply("\n".join(answer.text for answer in answers), last.kind, last.options)


def hear(talk: Talk) -> Understanding:
    """The text as commands, with times in the zone of the item's project or else the workspace."""
    return understand(talk.turn.text, now=timezone.now(), zone=zone_of(talk))


def zone_of(talk: Talk) -> str:
    """The zone in which the talk's times are meant."""
    connection = talk.with_field("start")
    pair = talk.pair(connection) if connection else None
    return pair.zone if pair else talk.installation.zone


def _one(talk: Talk, spoken: Spoken) -> Reply:
    handler = HANDLERS.get(spoken.name)
    if handler is None:
        return Reply(
            f"I understood “{spoken.name.replace('_', ' ')}”, but I cannot do that here. Write `help` for what I can."
        )
    if spoken.name in CHANGES and talk.role < MEMBER:
        return Reply("Guests may look, but only members of the workspace may change things.", "error")
    return handler(talk, dict(spoken.args))
