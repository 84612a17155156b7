"""What people choose in the conflict inbox."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from planeapp.sync import due
from planeapp.sync.models import Conflict


def choose(conflicts: Iterable[Conflict], choice: str, who: str) -> int:
    """Whose value stays, for these conflicts; the next look at each item writes it. Gives how many were still open."""
    chosen = 0
    with transaction.atomic():
        for conflict in conflicts:
            still = Conflict.objects.filter(pk=conflict.pk, closed_at=None, choice="")
            if still.update(choice=choice, chosen_at=timezone.now(), chosen_by=who[:200]):
                chosen += 1
                due.ask(conflict.link.pair, str(conflict.link.item_id), reason="a person chose")
    return chosen
