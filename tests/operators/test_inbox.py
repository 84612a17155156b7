from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import DeliveryFactory, InstallationFactory
from tests.operators.running import run

pytestmark = pytest.mark.django_db
STRANGER = "00000000-0000-4000-8000-000000000001"


def test_an_empty_inbox_says_so() -> None:
    assert run("inbox").out.splitlines() == ["0 waiting, 0 handled, 0 ignored, 0 failed, 0 dead", "Nothing waits."]


def test_what_waits_is_counted_with_its_age() -> None:
    for minutes, state in ((2, "waiting"), (1, "failed"), (9, "dead")):
        DeliveryFactory(state=state, received_at=timezone.now() - timedelta(minutes=minutes))
    found = run("inbox", "--json").json
    assert found["states"] == {"waiting": 1, "handled": 0, "ignored": 0, "failed": 1, "dead": 1}
    assert 119 < found["oldest_waiting_seconds"] < 180


def test_unknown_workspaces_and_events_are_shown_with_their_counts() -> None:
    for _ in range(3):
        DeliveryFactory(state="ignored", lane=STRANGER, kind="item.changed", reason="unknown workspace")
    installation = InstallationFactory()
    DeliveryFactory(state="ignored", installation=installation, kind="cycle.updated")
    DeliveryFactory(state="ignored", installation=installation, kind="item.changed", reason="our own change")
    lines = run("inbox").out.splitlines()
    assert lines[2:] == [f"unknown workspace {STRANGER}: 3", "event without use cycle.updated: 1"]


def test_the_answer_costs_a_few_queries_however_much_there_is(django_assert_max_num_queries: object) -> None:
    DeliveryFactory.create_batch(30, state="ignored")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        run("inbox", "--json")
