"""From events to turns: who spoke to the bot, once, whichever way Plane tells it.

Plane may deliver one mention as a comment webhook, as ``agent_run_create`` and as ``agent_run_user_prompt``. All carry the
comment's id, which makes the turn's key.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from planeapp.bot.models import Turn
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.lib.wake import wake
from planeapp.plane import mentions
from planeapp.plane.events import mention_key, prompt_key
from planeapp.sync.models import ItemLink, Tie

STOP = re.compile(r"(?:please\s+)?(?:stop|cancel|abort)(?:\s+(?:it|that|please))?[.!]*", re.IGNORECASE)
RUN_WAIT = timedelta(milliseconds=700)
RUNS_UNLIKELY_AFTER = 3  # so many mentions in a row came without an agent run: this workspace has none


def comment_written(installation: Installation, connection: Connection | None, event: Event) -> str:
    """A comment was written or edited. Only a mention of our bot that was not there before concerns us."""
    bot, html = str(installation.app_bot or ""), event.data.get("html")
    comment, key = event.data["comment_id"], mention_key(event)
    if html is None:
        return _hear(installation, event, key, comment, text="")  # v2 sends no text: it is read before answering
    if not bot or not mentions.new_mention(html, event.data.get("old_html") or "", bot):
        return "the bot is not mentioned"
    return _hear(installation, event, key, comment, text=mentions.text_for_bot(html, bot))


def run_created(installation: Installation, connection: Connection | None, event: Event) -> str:
    """An agent run began; its first prompt is the comment that it began with."""
    return _hear_run(installation, event, text="")


def run_prompted(installation: Installation, connection: Connection | None, event: Event) -> str:
    """A person wrote in the talk of an agent run."""
    text = mentions.text_for_bot(event.data.get("body") or "", str(installation.app_bot))
    if event.data.get("signal") == "stop" or STOP.fullmatch(text.strip()):
        return _stop(installation, event)
    return _hear_run(installation, event, text=text)


def _stop(installation: Installation, event: Event) -> str:
    """Whatever is under way in this run ends before its next step, and says so; where nothing is, that is the answer."""
    running = Turn.objects.filter(
        installation=installation, run_id=event.data["run_id"], state__in=[Turn.State.HEARD, Turn.State.ACTED]
    )
    if running.update(stop_asked=True):
        return ""
    told = _hear_run(installation, event, text="stop")
    Turn.objects.filter(installation=installation, key=prompt_key(event)).update(stop_asked=True)
    return told


def _hear_run(installation: Installation, event: Event, text: str) -> str:
    """A run's beginning and its first prompt belong to the mention; every later prompt is a turn of its own."""
    Installation.objects.filter(pk=installation.pk).update(mentions_without_run=0)
    activity = str(event.data.get("activity_id") or "")
    key = mention_key(event) or f"run:{event.data['run_id']}"
    earlier = Turn.objects.filter(installation=installation, key=key).first()
    if earlier and activity and earlier.activity_id not in ("", activity):
        key = prompt_key(event)
    comment = event.data.get("source_comment_id") or event.data.get("comment_id")
    return _hear(installation, event, key, comment, text=text, run=event.data["run_id"], activity=activity)


def _hear(
    installation: Installation, event: Event, key: str, comment: str | None, *, text: str, run: str | None = None,
    activity: str = "",
) -> str:  # fmt: skip
    """Make the turn of a mention, or add to the one that another delivery made."""
    project = event.project or _project_of(installation, event.subject)
    if not event.subject or not project:
        return "the project of the work item is not known" if event.subject else "not under a work item"
    wait = timedelta(0) if run or installation.mentions_without_run >= RUNS_UNLIKELY_AFTER else RUN_WAIT
    found = {"run_id": run, "text": text, "asker": event.actor or None, "activity_id": activity}
    turn, fresh = Turn.objects.get_or_create(
        installation=installation,
        key=key,
        defaults={
            "project_id": project, "item_id": event.subject, "comment_id": comment or None,
            "due_at": timezone.now() + wait, **found,
        },
    )  # fmt: skip
    if fresh and text and not run:
        few = Installation.objects.filter(pk=installation.pk, mentions_without_run__lt=RUNS_UNLIKELY_AFTER)
        few.update(mentions_without_run=F("mentions_without_run") + 1)
    if not fresh and not _add(turn, found):
        return "answered or heard already"
    wake("bot.answer")
    return ""


def _project_of(installation: Installation, item: str) -> str:
    """The item's project as our own rows know it; ``""`` otherwise. Comments of webhooks v2 do not name it."""
    ours = {"item_id": item or None}
    turn = Turn.objects.filter(installation=installation, **ours).first()
    tie = Tie.objects.filter(connection__installation=installation, **ours).first()
    link = ItemLink.objects.filter(pair__connection__installation=installation, **ours).select_related("pair").first()
    known = turn or tie or (link and link.pair)
    return str(known.project_id) if known else ""


def _add(turn: Turn, found: dict[str, Any]) -> bool:
    """Give a waiting turn what an earlier delivery of the same mention lacked; one that was not meant for us is read anew."""
    if turn.state == Turn.State.QUIET:
        anew = {
            "state": Turn.State.HEARD,
            "due_at": timezone.now(),
            **{key: value for key, value in found.items() if value},
        }
        return bool(Turn.objects.filter(pk=turn.pk, state=Turn.State.QUIET).update(**anew))
    lacking = {name: value for name, value in found.items() if value and not getattr(turn, name)}
    if "run_id" in lacking:
        lacking["due_at"] = timezone.now()
    return bool(lacking) and bool(Turn.objects.filter(pk=turn.pk, state=Turn.State.HEARD).update(**lacking))
