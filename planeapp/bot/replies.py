"""Bringing an answer to the person: on the agent run when there is one, else as a comment that mentions the asker."""

from __future__ import annotations

from typing import Any

import structlog
from django.utils import timezone

from planeapp.bot.context import Talk
from planeapp.bot.models import Turn
from planeapp.lib.errors import GroundcrewError
from planeapp.plane import mentions

log = structlog.get_logger(__name__)


def can_answer(talk: Talk) -> bool:
    """Whether Plane lets us speak where the person would see it."""
    return _on_run(talk) or talk.plane.offers("comments")


def _on_run(talk: Talk) -> bool:
    """Whether the answer goes on the agent run; where we may not speak there, it becomes a comment."""
    return talk.turn.run_id is not None and talk.plane.offers("runs")


def sign_of_life(talk: Talk, text: str = "On it …") -> None:
    """A thought on the run, so that the person sees at once that they were heard. Its failure stops nothing."""
    if not _on_run(talk):
        return
    try:
        talk.plane.say(str(talk.turn.run_id), "thought", text)
    except GroundcrewError as error:
        log.warning("no sign of life", code=error.code, detail=str(error))
    Turn.objects.filter(pk=talk.turn.pk).update(signed_at=timezone.now())


def later(talk: Talk, text: str) -> None:
    """Tell that it takes longer: a thought on the run, else a comment of its own, once. Its failure stops nothing."""
    if _on_run(talk):
        sign_of_life(talk, text)
        return
    try:
        _add(talk, text, f"{talk.turn.key}:later")
    except GroundcrewError as error:
        log.warning("no word of the delay", code=error.code, detail=str(error))


def deliver(talk: Talk) -> None:
    """Send the answer that the turn keeps. Sent twice it shows once: both ways carry the turn's key."""
    if _on_run(talk):
        _say(talk)
    else:
        _comment(talk)


def _comment(talk: Talk) -> None:
    turn = talk.turn
    _add(talk, _with_options(turn.answer, turn.options), turn.key, look=_maybe_sent(turn))


def _maybe_sent(turn: Turn) -> bool:
    """Whether an earlier try may have sent the answer; from now on it may. Saves a call where it certainly was not."""
    return not Turn.objects.filter(pk=turn.pk, sent_once=False).update(sent_once=True)


def _add(talk: Talk, text: str, mark: str, *, look: bool = True) -> None:
    """Mentions the asker, unless that is a bot: it would answer, and so on for ever."""
    asker = mentions.mention_html(str(talk.turn.asker)) if talk.turn.asker and not talk.asked_by_bot else ""
    html = mentions.addressed(asker, mentions.paragraphs(text))
    talk.plane.add_comment(talk.project, talk.item_id, html, mark, look=look)


def _with_options(text: str, options: list[dict[str, str]]) -> str:
    """Without buttons, choices are a list that can be answered by number or name."""
    listed = (f"{number}. {mentions.literal(option['label'])}" for number, option in enumerate(options, start=1))
    return "\n".join([text, *listed])


def _say(talk: Talk) -> None:
    turn = talk.turn
    signal, more = _signal(turn)
    talk.plane.say(
        str(turn.run_id), turn.answer_kind or "response", turn.answer,
        signal=signal, signal_metadata=more, mark=turn.key, look=_maybe_sent(turn),
    )  # fmt: skip


def _signal(turn: Turn) -> tuple[str | None, dict[str, Any] | None]:
    """What Plane shows beside the words: choices, or a place to connect something (Plane takes https alone)."""
    if turn.options:
        return "select", {"options": turn.options}
    url = str(turn.pending.get("url") or "")
    if turn.answer_kind == "elicitation" and url.startswith("https://"):
        return "auth_request", {"url": url}
    return None, None
