"""From words to a handler: understand the text in the talk so far, check who may, do each command, join the answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from planeapp.bot import deeds
from planeapp.bot.carrying import LOOK_AGAIN_SECONDS
from planeapp.bot.commands import BY_NAME
from planeapp.bot.context import Reply, Talk
from planeapp.bot.dialogue import hear
from planeapp.bot.handlers import HANDLERS
from planeapp.bot.linking import address
from planeapp.bot.understand import Spoken
from planeapp.installations.models import ADMIN, MEMBER, Connection
from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, ReconnectNeeded, RetryLater
from planeapp.plane.mentions import literal

log = structlog.get_logger(__name__)
ROLES = {"member": MEMBER, "admin": ADMIN}
STOPPED = "Stopped, as you asked."
DROPPED = "All right, I leave it as it is."


def respond(talk: Talk) -> Reply:
    """Do what the person asked for and say what was done."""
    if talk.stopped():
        return Reply(f"{STOPPED} I have done nothing.")
    heard = hear(talk, zone_of(talk))
    if heard.dropped:
        return Reply(DROPPED)
    if heard.ask:
        return Reply(literal(heard.ask), "elicitation", heard.options, heard.pending)
    return _do(talk, heard.commands or (Spoken("help"),))


def zone_of(talk: Talk) -> str:
    """The zone in which the talk's times are meant: the project's where it is paired with a schedule, else the workspace's."""
    connection = talk.with_field("start")
    pair = talk.pair(connection) if connection else None
    return pair.zone if pair else talk.installation.zone


def _do(talk: Talk, commands: Sequence[Spoken]) -> Reply:
    """One after the other, until one has a question or the person says stop."""
    answers: list[Reply] = []
    for number, spoken in enumerate(commands):
        if number and talk.stopped():
            answers.append(Reply(STOPPED + " What comes before this was done; the rest was not."))
            break
        answers.append(_one(talk, number, spoken))
        if answers[-1].kind == "elicitation":
            return _joined(answers, _waiting(answers[-1], commands[number:]))
    return _joined(answers)


def _waiting(question: Reply, commands: Sequence[Spoken]) -> dict[str, Any]:
    """What goes on when the question is answered."""
    waiting = [{"name": one.name, "args": one.args} for one in commands]
    return {**question.pending, "commands": waiting} if question.pending.get("slot") else dict(question.pending)


def _joined(answers: Sequence[Reply], pending: dict[str, Any] | None = None) -> Reply:
    """All answers in their order. It counts as an error only when nothing went well."""
    last = answers[-1]
    failed = all(answer.kind == "error" for answer in answers)
    kind = "error" if failed else "response" if last.kind == "error" else last.kind
    url = next((answer.url for answer in answers if answer.url), "")
    return Reply("\n\n".join(answer.text for answer in answers), kind, last.options, pending or {}, url)


def _one(talk: Talk, number: int, spoken: Spoken) -> Reply:
    command = BY_NAME[spoken.name]
    doing = deeds.begun(talk, number, spoken.name)
    earlier = deeds.said(doing)
    if earlier is not None:
        return earlier
    if command.changes and talk.role < ROLES[command.needs]:
        who = "members" if command.needs == "member" else "admins"
        return deeds.ended(doing, Reply(f"You may look, but only {who} of the workspace may change things.", "error"))
    try:
        reply = HANDLERS[spoken.name](talk, dict(spoken.args), doing)
    except RetryLater:
        raise  # what was done by then is kept, and the turn goes on from there
    except OutcomeUnknown as error:
        raise RetryLater(str(error), delay=LOOK_AGAIN_SECONDS, person=error.person) from error
    except ReconnectNeeded as error:
        reply = _reconnect(talk, error)
    except GroundcrewError as error:
        log.warning("command failed", command=spoken.name, code=error.code, detail=str(error))
        reply = Reply(literal(error.person), "error")
    return deeds.ended(doing, reply)


def _reconnect(talk: Talk, error: ReconnectNeeded) -> Reply:
    """A vendor's refusal is told, with where to mend it; Plane's own makes the turn wait."""
    talk.installation.refresh_from_db(fields=["status"])
    if not talk.installation.active:
        raise error
    log.warning("a vendor refuses the connection", code=error.code, detail=str(error))
    refused = talk.installation.connections.exclude(status=Connection.Status.ACTIVE).first()
    where = address(talk, refused.provider) if refused else ""
    return Reply(f"{literal(error.person)}" + (f" [Connect again]({where})" if where else ""), "error", url=where)
