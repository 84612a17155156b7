"""From a turn to its one answer.

A turn goes *heard* → *acted* (the work is done, the answer is kept on the row) → *answered*. A worker that dies between
the steps is followed by another that goes on from the last one kept; what commands write to vendors carries marks, and the
answer carries the turn's key, so that neither happens twice.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from planeapp.bot import replies, router
from planeapp.bot.context import Reply, Talk
from planeapp.bot.models import Turn
from planeapp.lib.budget import calling_for
from planeapp.lib.claims import backoff, claim
from planeapp.lib.errors import FixSettings, GroundcrewError, ReconnectNeeded, RetryLater
from planeapp.lib.wake import wake
from planeapp.plane import mentions

log = structlog.get_logger(__name__)
BOT = "bot"
BATCH = 1  # each answer may take long (it calls vendors), so whoever takes one calls a colleague for the next
MAX_ATTEMPTS = 12
PATIENCE = 3
LONG_SECONDS = 10.0
"""A person is told that it takes longer after so many tries, or at once when we know that we have to wait so long."""
LATER = "I go on trying, and answer here when it is done."
GAVE_UP = "I have tried for a long time and give up now. Please ask me again later."
CHAIN, CHAIN_SPAN = 3, timedelta(hours=1)
"""So many answers another bot gets under one work item within this time."""
BURST, BURST_SPAN = 30, timedelta(minutes=2)
"""So many answers anybody gets there within this time."""
FORGOTTEN_AFTER = timedelta(days=1)


def open_turns() -> QuerySet[Turn]:
    """Turns that wait for work."""
    recent = timezone.now() - FORGOTTEN_AFTER  # an answer that comes days late helps nobody
    waiting = Turn.objects.filter(state__in=[Turn.State.HEARD, Turn.State.ACTED], created_at__gt=recent)
    return waiting.filter(installation__status="active")


def answer_batch() -> int:
    """Answer a batch of due turns; gives their number."""
    claimed = claim(open_turns(), BATCH)
    if claimed:
        wake("bot.answer")
    for turn in claimed:
        with structlog.contextvars.bound_contextvars(turn=str(turn.pk), item=str(turn.item_id)), calling_for(BOT):
            _answer(turn)
    return len(claimed)


def _answer(turn: Turn) -> None:
    talk = Talk(turn)
    try:
        if turn.state == Turn.State.HEARD and not _act(talk):
            return
        replies.deliver(talk)
    except RetryLater as error:
        _again(talk, error)
    except ReconnectNeeded as error:
        log.warning("turn waits for Plane to be connected again", detail=str(error))
        _release(turn, timedelta(minutes=5))
    except GroundcrewError as error:
        log.warning("answer refused by Plane", code=error.code, detail=str(error))
        _end(turn, Turn.State.FAILED)
    except Exception as error:  # one turn's trouble must not keep the others waiting
        log.exception("turn broke")
        _again(talk, RetryLater(f"{type(error).__name__} on our side", person=GroundcrewError.default_person))
    else:
        _end(turn, Turn.State.ANSWERED)


def _act(talk: Talk) -> bool:
    """Understand and do; keeps the answer on the row. False when the comment was not meant for us.

    Nothing is done where Plane would not let us say what was done.
    """
    turn = talk.turn
    if not replies.can_answer(talk):
        raise FixSettings("neither comments nor agent runs are open to us", code="scope_missing")
    try:
        if not _heard_fully(talk) or _chained(talk):
            _end(turn, Turn.State.QUIET)
            return False
    except FixSettings as error:
        if turn.run_id is None:  # it may not have been meant for us
            raise
        return _keep(turn, Reply(mentions.literal(error.person), "error"))
    replies.sign_of_life(talk)
    try:
        reply = router.respond(talk)
    except GroundcrewError as error:
        if _better_later(turn, error):
            raise
        log.warning("command failed", code=error.code, detail=str(error))
        end = f" {GAVE_UP}" if isinstance(error, RetryLater) else ""
        reply = Reply(f"{mentions.literal(error.person)}{end}", "error")
    except Exception:  # a person is waiting: tell them, and leave the trace in the log
        log.exception("command crashed")
        reply = Reply(GroundcrewError.default_person, "error")
    return _keep(turn, reply)


def _keep(turn: Turn, reply: Reply) -> bool:
    """Keep the answer before it is sent; always True."""
    turn.answer, turn.answer_kind, turn.options = reply.text, reply.kind, list(reply.options)
    turn.pending = {**reply.pending, **({"url": reply.url} if reply.url else {})}
    turn.state = Turn.State.ACTED
    turn.save(update_fields=["answer", "answer_kind", "options", "pending", "state", "text", "asker"])
    return True


def _better_later(turn: Turn, error: GroundcrewError) -> bool:
    """Whether the command may still succeed: after the next tries, or when Plane itself is connected again."""
    if isinstance(error, ReconnectNeeded):
        turn.installation.refresh_from_db(fields=["status"])
        return not turn.installation.active
    return isinstance(error, RetryLater) and turn.attempts + 1 < MAX_ATTEMPTS


def _heard_fully(talk: Talk) -> bool:
    """Read the comment when no delivery carried its text; False when it does not mention the bot."""
    turn, bot = talk.turn, str(talk.installation.app_bot)
    if turn.text or not turn.comment_id:
        return True
    comment = talk.plane.comment(talk.project, talk.item_id, str(turn.comment_id))
    if comment is None:
        return False
    html = str(comment.get("comment_html") or "")
    turn.text = mentions.text_for_bot(html, bot)
    turn.asker = turn.asker or comment.get("actor") or comment.get("created_by")
    return bool(turn.run_id) or mentions.is_mentioned(html, bot)


def _chained(talk: Talk) -> bool:
    """Whether the asker writes so often that it is another bot which answers our answers.

    Not every server says who is a bot, so all are measured: a person does not mention us so often in so short a time.
    """
    turn = talk.turn
    answered = Turn.objects.filter(
        installation_id=turn.installation_id, item_id=turn.item_id, asker=turn.asker, state=Turn.State.ANSWERED
    )
    if turn.asker and answered.filter(created_at__gt=timezone.now() - BURST_SPAN).count() >= BURST:
        return True
    recent = answered.filter(created_at__gt=timezone.now() - CHAIN_SPAN)
    return turn.asker is not None and recent.count() >= CHAIN and talk.asked_by_bot


def _again(talk: Talk, error: RetryLater) -> None:
    """Later. Who waits for long is told so once."""
    turn, attempts = talk.turn, talk.turn.attempts + 1
    log.info("turn tried again later", attempts=attempts, detail=str(error))
    if attempts >= MAX_ATTEMPTS:
        _end(turn, Turn.State.FAILED)
        return
    if turn.state == Turn.State.HEARD and (attempts == PATIENCE or (error.delay or 0) > LONG_SECONDS):
        replies.later(talk, f"{mentions.literal(error.person)} {LATER}")
    Turn.objects.filter(pk=turn.pk).update(attempts=attempts)
    _release(turn, timedelta(seconds=error.delay) if error.delay else backoff(attempts))


def _release(turn: Turn, wait: timedelta) -> None:
    Turn.objects.filter(pk=turn.pk).update(claimed_at=None, due_at=timezone.now() + wait)


def _end(turn: Turn, state: str) -> None:
    Turn.objects.filter(pk=turn.pk).update(state=state, claimed_at=None, answered_at=timezone.now())
