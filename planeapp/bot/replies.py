"""Bringing an answer to the person: on the agent run when there is one, else as a comment that mentions the asker."""

from __future__ import annotations

import structlog

from planeapp.bot.context import Talk
from planeapp.lib.errors import GroundcrewError
from planeapp.plane import mentions

log = structlog.get_logger(__name__)


def can_answer(talk: Talk) -> bool:
    """Whether Plane lets us speak where the person would see it."""
    return _on_run(talk) or talk.plane.offers("comments")


def _on_run(talk: Talk) -> bool:
    """Whether the answer goes on the agent run; where we may not speak there, it becomes a comment."""
    return talk.turn.run_id is not None and talk.plane.offers("runs")


def sign_of_life(talk: Talk) -> None:
    """A thought on the run, so that the person sees at once that they were heard. Its failure stops nothing."""
    if not _on_run(talk):
        return
    try:
        talk.plane.say(str(talk.turn.run_id), "thought", "On it …")
    except GroundcrewError as error:
        log.warning("no sign of life", code=error.code, detail=str(error))


def deliver(talk: Talk) -> None:
    """Send the answer that the turn keeps. Sent twice it shows once: both ways carry the turn's key."""
    if _on_run(talk):
        _say(talk)
    else:
        _comment(talk)


def _comment(talk: Talk) -> None:
    turn = talk.turn
    asker = mentions.mention_html(str(turn.asker)) if turn.asker else ""
    html = mentions.paragraphs(_with_options(turn.answer, turn.options))
    talk.plane.add_comment(talk.project, talk.item_id, mentions.addressed(asker, html), turn.key)


def _with_options(text: str, options: list[dict[str, str]]) -> str:
    """Without buttons, choices are a list that can be answered by name."""
    return "\n".join([text, *(f"- {mentions.literal(option['label'])}" for option in options)])


def _say(talk: Talk) -> None:
    turn = talk.turn
    options = {"options": turn.options} if turn.options else None
    talk.plane.say(
        str(turn.run_id), turn.answer_kind or "response", turn.answer,
        signal="select" if options else None, signal_metadata=options, mark=turn.key,
    )  # fmt: skip
