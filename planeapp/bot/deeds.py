"""Doing one command once: what was decided and what was said is kept, so that a repetition neither doubles nor loses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from planeapp.bot.context import Reply, Talk
from planeapp.bot.models import Deed


@dataclass
class Doing:
    """The command that is under way."""

    row: Deed

    @property
    def again(self) -> bool:
        """Whether an earlier try decided already, and may have done something."""
        return bool(self.row.plan)

    def decide(self, make: Callable[[], Mapping[str, Any]], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What is to be done, made once and kept before anything is written; ``before``: what stands there now."""
        if not self.row.plan:
            self.row.plan, self.row.before = dict(make()), dict(before or {})
            self.row.save(update_fields=["plan", "before"])
        return dict(self.row.plan)

    def keep(self, **more: Any) -> None:
        """Add to what is known of it (the id of what was made)."""
        self.row.plan = {**self.row.plan, **more}
        self.row.save(update_fields=["plan"])


def begun(talk: Talk, number: int, name: str) -> Doing:
    """The deed of the turn's ``number``-th command, new or from an earlier try."""
    row, _ = Deed.objects.get_or_create(turn=talk.turn, number=number, defaults={"name": name})
    return Doing(row)


def said(doing: Doing) -> Reply | None:
    """What an earlier try has answered, or None."""
    return Reply.from_data(doing.row.reply) if doing.row.reply else None


def ended(doing: Doing, reply: Reply) -> Reply:
    """Keep the answer."""
    row = doing.row
    row.state = Deed.State.FAILED if reply.kind == "error" else Deed.State.DONE
    row.reply, row.ended_at = reply.as_data(), timezone.now()
    row.save()
    return reply
