"""Copies of a delivery have one effect; a later change, however alike, has its own."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.inbox import work
from planeapp.inbox.models import Delivery, Happening
from planeapp.plane.events import REPEAT_SECONDS
from planeapp.sync.models import Due
from tests.factories import ConnectionFactory, CredentialFactory, DeliveryFactory, ProjectPairFactory
from tests.inbox.sending import issue, push_planner

pytestmark = pytest.mark.django_db
ACTOR, ITEMS = uuid.uuid4(), [uuid.UUID(int=number, version=4) for number in range(1, 4)]
CHANGES = st.tuples(
    st.sampled_from(ITEMS),
    st.sampled_from(["start_date", "target_date", "name"]),
    st.integers(0, 59).map("2026-11-20T18:00:{:02}.000000Z".format),
)


@pytest.fixture
def paired() -> tuple[object, object]:
    """Workspace and project of a pair."""
    pair = ProjectPairFactory()
    return pair.connection.installation.workspace_id, pair.project_id


def told(change: tuple[uuid.UUID, str, str], paired: tuple[object, object]) -> bytes:
    item, field, at = change
    return issue(paired[0], project=paired[1], item=item, field=field, at=at, actor=ACTOR)


def push(raw: bytes) -> None:
    DeliveryFactory(body=raw, subject=str(ITEMS[0]), lane="w")


def work_all() -> None:
    while work.work_batch():
        continue


def forget() -> None:
    for model in (Happening, Delivery, Due):
        model.objects.all().delete()


def once_each(changes: Sequence[object]) -> None:
    """One delivery of each change counted, and all others did not."""
    states = Counter(Delivery.objects.values_list("state", "reason"))
    repeated = states.pop(("ignored", "delivered before"), 0)
    assert {state for state, _ in states} == {"handled"}
    assert sum(states.values()) == len(set(changes)) == Happening.objects.count()
    assert repeated == len(changes) - len(set(changes))


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_order_and_any_number_of_copies_has_one_effect_for_each_change(data: st.DataObject) -> None:
    forget()
    pair = ProjectPairFactory()
    paired = (pair.connection.installation.workspace_id, pair.project_id)
    changes = data.draw(st.lists(CHANGES, min_size=1, max_size=12))
    copies = data.draw(st.permutations([change for change in changes for _ in range(data.draw(st.integers(1, 3)))]))
    pauses = data.draw(st.lists(st.booleans(), min_size=len(copies), max_size=len(copies)))
    for change, pause in zip(copies, pauses, strict=True):
        push(told(change, paired))
        if pause:
            work.work_batch()
    work_all()
    once_each(copies)
    assert set(Due.objects.values_list("item_id", flat=True)) == {str(item) for item, _, _ in changes}


def test_a_change_back_and_forth_counts_every_time(paired: tuple[object, object]) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for second in range(10):
            push(told((ITEMS[0], "name", f"2026-11-20T18:00:{second:02}Z"), paired))
            work_all()
            clock.shift(timedelta(seconds=1))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"handled"}
    assert Due.objects.get().asked == 10


@pytest.mark.parametrize(("seconds", "state"), [(-1, "ignored"), (+1, "handled")])
def test_content_without_an_id_is_a_copy_within_the_window_and_another_event_after_it(
    paired: tuple[object, object], seconds: float, state: str
) -> None:
    raw = told((ITEMS[0], "name", "2026-11-20T18:00:00Z"), paired)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        push(raw)
        work_all()
        clock.shift(timedelta(seconds=REPEAT_SECONDS + seconds))
        push(raw)
        work_all()
    assert Delivery.objects.order_by("id").last().state == state


def test_an_id_of_the_sender_is_good_for_ever(paired: tuple[object, object]) -> None:
    raw = v2(paired, event="e-1")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        push(raw)
        work_all()
        clock.shift(timedelta(days=20))
        push(raw)
        work_all()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["handled", "ignored"]


@pytest.mark.parametrize(("webhook", "event", "states"), [
    ("w-1", "e-1", ["handled", "ignored"]),
    ("w-1", "e-2", ["handled", "handled"]),
    ("w-2", "e-1", ["handled", "handled"]),
])  # fmt: skip
def test_webhook_and_event_id_together_name_an_event_of_v2(
    paired: tuple[object, object], webhook: str, event: str, states: list[str]
) -> None:
    for raw in (v2(paired, webhook="w-1", event="e-1", delivery="1"), v2(paired, webhook, event, delivery="2")):
        push(raw)
        work_all()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == states


def v2(paired: tuple[object, object], webhook: str = "w-1", event: str = "e-1", delivery: str = "1") -> bytes:
    """A delivery of the second format: somebody renamed an item."""
    told = {
        "version": "v2", "event": "workitem.updated", "webhook_id": webhook, "event_id": event,
        "delivery_id": delivery, "workspace_id": str(paired[0]), "entity_id": str(ITEMS[0]),
        "data": {"id": str(ITEMS[0]), "project_id": str(paired[1])}, "previous_attributes": {"name": "Old"},
    }  # fmt: skip
    return json.dumps(told).encode()


# Out of order


def deleted(paired: tuple[object, object], item: uuid.UUID) -> bytes:
    return issue(paired[0], project=paired[1], item=item, action="deleted", field=None, actor=ACTOR)


def created(paired: tuple[object, object], item: uuid.UUID) -> bytes:
    return issue(paired[0], project=paired[1], item=item, action="created", field="", actor=ACTOR)


@pytest.mark.parametrize("seed", range(6))
def test_create_change_and_delete_in_any_order_make_one_look_at_the_item(
    paired: tuple[object, object], seed: int
) -> None:
    change = told((ITEMS[0], "name", "2026-11-20T18:00:00Z"), paired)
    raws = [created(paired, ITEMS[0]), change, deleted(paired, ITEMS[0])] * 2
    random.Random(seed).shuffle(raws)
    for raw in raws:
        push(raw)
    work_all()
    assert Counter(Delivery.objects.values_list("state", flat=True)) == {"handled": 3, "ignored": 3}
    assert Due.objects.get().item_id == str(ITEMS[0])


# Clocks


@pytest.mark.parametrize("skew", [-600, -90, 90, 600])
def test_a_worker_whose_clock_is_wrong_neither_loses_nor_doubles(paired: tuple[object, object], skew: float) -> None:
    """It may take for dead who is alive; whoever comes to the end second takes back what it did."""
    push(told((ITEMS[0], "name", "2026-11-20T18:00:00Z"), paired))
    held = work.claim_turns()
    with time_machine.travel(timezone.now() + timedelta(seconds=skew), tick=False):
        work.work_batch()
    work.work_together(held)
    assert Delivery.objects.get().state == "handled"
    assert (Due.objects.get().asked, Happening.objects.count()) == (1, 1)


def test_the_clock_of_the_sender_does_not_matter(paired: tuple[object, object]) -> None:
    for year in ("1999", "2199"):
        push(told((ITEMS[0], "name", f"{year}-11-20T18:00:00Z"), paired))
    work_all()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"handled"}
    assert Due.objects.get().asked == 1


@pytest.mark.parametrize(("age", "status"), [(0, 200), (295, 200), (-295, 200), (305, 401), (-305, 401)])
def test_a_signed_time_may_be_five_minutes_off_and_no_more(age: float, status: int) -> None:
    made = ConnectionFactory(provider="planner")
    CredentialFactory(connection=made, slot="webhook", access="shared")
    assert push_planner(f"/webhooks/planner/{made.opaque_id}/", b"{}", "shared", age).status_code == status
    assert Delivery.objects.count() == (status == 200)
