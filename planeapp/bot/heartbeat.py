"""Signs of life for who waits long: Plane calls an agent run stale that says nothing for five minutes.

Source: Plane developer docs, "Building an agent" (run status ``stale``).
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from planeapp.bot import replies
from planeapp.bot.answering import open_turns
from planeapp.bot.context import Talk
from planeapp.bot.models import Turn
from planeapp.lib.budget import calling_for

EVERY = timedelta(seconds=60)
MOST = 50
STILL = "Still on it …"


def beat() -> int:
    """Say on every run that waits for its answer, and was silent for a minute, that it is still at work; gives their number."""
    now = timezone.now()
    silent = Q(signed_at__lt=now - EVERY) | Q(signed_at=None, created_at__lt=now - EVERY)
    turns = open_turns().filter(silent, state=Turn.State.HEARD).exclude(run_id=None)
    found = list(turns.select_related("installation").order_by("created_at")[:MOST])
    for turn in found:
        if Turn.objects.filter(silent, pk=turn.pk).update(signed_at=now):  # one worker says it
            with calling_for("bot", routine=True):
                replies.sign_of_life(Talk(turn), STILL)
    return len(found)
