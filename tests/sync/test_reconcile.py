from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from planeapp.sync.models import Due
from planeapp.sync.reconcile import turn
from planeapp.sync.tasks import plan_reconcile
from tests.factories import ProjectPairFactory

pytestmark = pytest.mark.django_db
EARLY, LATE = UUID(int=0), UUID(int=9_000)  # their places in the interval: its begin, and nine tenths on


def test_pairs_have_their_places_all_over_the_interval(settings: Settings) -> None:
    tenths = Counter(int(turn(ProjectPairFactory.build()).total_seconds() // 90) for _ in range(1000))
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 170


def test_a_pair_keeps_its_place() -> None:
    with time_machine.travel(timezone.now(), tick=False):
        ProjectPairFactory(pk=LATE)
        plan_reconcile()
        plan_reconcile()
        assert Due.objects.get().due_at == timezone.now() + timedelta(seconds=810)


@pytest.mark.parametrize(
    ("pair", "ago", "count"),
    [(EARLY, 100, 0), (EARLY, 449, 0), (EARLY, 460, 1), (LATE, 100, 1), (EARLY, None, 1)],
)
def test_a_pair_that_was_looked_at_just_before_its_turn_is_left_out(pair: UUID, ago: int | None, count: int) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        when = None if ago is None else timezone.now() - timedelta(seconds=ago)
        ProjectPairFactory(pk=pair, reconciled_at=when)
        assert plan_reconcile() == count
