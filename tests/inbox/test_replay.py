from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from planeapp.bot.models import Turn
from planeapp.inbox import replay as replaying
from planeapp.inbox import work
from planeapp.inbox.models import Delivery, Happening
from planeapp.inbox.replay import Outcome, replay
from planeapp.inbox.routes import ROUTES
from planeapp.inbox.tasks import work_inbox
from planeapp.installations.models import AuditEntry, Installation
from planeapp.lib.errors import Refused
from planeapp.sync.models import Due
from tests.factories import DeliveryFactory, InstallationFactory, ProjectPairFactory, UserFactory
from tests.inbox.sending import CAPTURED, issue, push, push_captured
from tests.inbox.test_work import CSBOT, WORKSPACE

pytestmark = pytest.mark.django_db
ENDS = ("handled", "ignored", "failed", "dead")


def again(installation: Installation) -> Outcome:
    """Replay all that the workspace has."""
    return replay(installation.deliveries.all(), installation)


@pytest.mark.parametrize("state", ENDS)
def test_a_delivery_that_came_to_an_end_waits_anew(state: str) -> None:
    row = DeliveryFactory(
        installation=InstallationFactory(), state=state, reason="why", attempts=7, finished_at=timezone.now(),
        due_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    assert again(row.installation) == Outcome(replayed=1, left_alone=0)
    row.refresh_from_db()
    assert (row.state, row.reason, row.attempts, row.finished_at, row.claimed_at) == ("waiting", "", 0, None, None)
    assert row.due_at <= timezone.now()


@pytest.mark.parametrize(("state", "claimed"), [("waiting", False), ("waiting", True), ("failed", True)])
def test_one_that_waits_or_is_in_hand_is_left_alone_and_counted_as_such(state: str, claimed: bool) -> None:
    held = timezone.now() if claimed else None
    row = DeliveryFactory(installation=InstallationFactory(), state=state, claimed_at=held, attempts=3)
    assert again(row.installation) == Outcome(replayed=0, left_alone=1)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.claimed_at) == (state, 3, held)


def test_replayed_twice_while_it_waits_is_replayed_once() -> None:
    row = DeliveryFactory(installation=InstallationFactory(), state="dead")
    assert [again(row.installation) for _ in range(2)] == [Outcome(1, 0), Outcome(0, 1)]


def test_what_failed_for_good_is_done_once_its_fault_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ProjectPairFactory()
    broken = dict.fromkeys(ROUTES, lambda *args: 1 / 0)
    row = DeliveryFactory(body=issue(pair.connection.installation.workspace_id, project=pair.project_id))
    with monkeypatch.context() as patch, time_machine.travel(timezone.now(), tick=False) as clock:
        patch.setattr(work, "ROUTES", broken)
        for _ in range(work.MAX_ATTEMPTS):
            work.work_batch()
            clock.shift(timedelta(hours=2))
    assert Delivery.objects.get().state == "dead"
    again(pair.connection.installation)
    work_inbox()
    row.refresh_from_db()
    assert (row.state, row.attempts, Due.objects.count()) == ("handled", 0, 1)


def test_a_replayed_change_asks_for_the_look_again() -> None:
    pair = ProjectPairFactory()
    push(issue(pair.connection.installation.workspace_id, project=pair.project_id))
    work_inbox()
    Due.objects.all().delete()  # the look was taken
    again(pair.connection.installation)
    work_inbox()
    assert (Delivery.objects.get().state, Due.objects.get().asked, Happening.objects.count()) == ("handled", 1, 1)


def test_a_repeated_delivery_stays_a_repetition_when_it_is_replayed() -> None:
    pair = ProjectPairFactory()
    raw = issue(pair.connection.installation.workspace_id, project=pair.project_id)
    for _ in range(2):
        push(raw)
        work_inbox()
    again(pair.connection.installation)
    work_inbox()
    assert list(Delivery.objects.order_by("pk").values_list("state", "reason")) == [
        ("handled", ""), ("ignored", "delivered before"),
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["heard", "acted", "answered", "failed"])
def test_nobody_is_answered_twice_by_a_replay(state: str) -> None:
    installation = InstallationFactory(workspace_id=WORKSPACE, app_bot=CSBOT)
    (path,) = [path for path in CAPTURED if path.stem.endswith("009_comment_created_with_bot_mention")]
    push_captured(path)
    work_inbox()
    Turn.objects.update(state=state)
    again(installation)
    work_inbox()
    assert (Turn.objects.get().state, Delivery.objects.get().reason) == (state, "answered or heard already")


def test_a_workspace_that_is_known_by_now_gets_what_was_delivered_before() -> None:
    pair = ProjectPairFactory(connection__installation__workspace_id=uuid.uuid4())
    workspace = pair.connection.installation.workspace_id
    row = DeliveryFactory(body=issue(workspace, project=pair.project_id), state="ignored", reason="unknown workspace")
    replay(Delivery.objects.filter(pk=row.pk), None)
    work_inbox()
    row.refresh_from_db()
    assert (row.state, row.installation) == ("handled", pair.connection.installation)


def test_other_workspaces_rows_are_not_touched() -> None:
    mine, foreign, nobodys = (DeliveryFactory(installation=found, state="dead") for found in (
        InstallationFactory(), InstallationFactory(), None,
    ))  # fmt: skip
    again(mine.installation)
    assert {row.pk: row.state for row in Delivery.objects.all()} == {
        mine.pk: "waiting", foreign.pk: "dead", nobodys.pk: "dead",
    }  # fmt: skip


# Limits


def test_more_than_the_limit_is_refused_whole_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "LIMIT", 3)
    installation = InstallationFactory()
    DeliveryFactory.create_batch(4, installation=installation, state="dead")
    with pytest.raises(Refused) as refusal:
        again(installation)
    assert refusal.value.person == "These are more than 3 deliveries. Replay them in parts, by a shorter time range."
    assert set(Delivery.objects.values_list("state", flat=True)) == {"dead"}
    assert not AuditEntry.objects.exists()


def test_many_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "CHUNK", 2)
    installation = InstallationFactory()
    DeliveryFactory.create_batch(5, installation=installation, state="dead")
    DeliveryFactory(installation=installation)
    assert again(installation) == Outcome(5, 1)


@pytest.mark.django_db(transaction=True)
def test_two_replays_at_once_put_each_delivery_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "CHUNK", 3)
    installation = InstallationFactory()
    DeliveryFactory.create_batch(20, installation=installation, state="dead")

    def request() -> Outcome:
        try:
            return again(installation)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = [future.result() for future in [pool.submit(request) for _ in range(2)]]
    assert (sum(one.replayed for one in outcomes), sum(one.left_alone for one in outcomes)) == (20, 20)
    assert sorted(entry.detail["replayed"] + entry.detail["left_alone"] for entry in AuditEntry.objects.all()) == [
        20,
        20,
    ]


# The audit log


def test_a_request_makes_one_entry_that_says_who_what_and_from_where() -> None:
    installation, request = InstallationFactory(), RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
    request.user = UserFactory(display_name="Ada")
    DeliveryFactory.create_batch(3, installation=installation, state="dead")
    replay(installation.deliveries.all(), installation, request, state="Given up")
    entry = AuditEntry.objects.get()
    assert (entry.installation, entry.user, entry.who, entry.address) == (
        installation,
        request.user,
        "Ada",
        "192.0.2.7",
    )
    assert (entry.action, entry.detail) == ("replayed", {"state": "Given up", "replayed": 3, "left_alone": 0})


def test_a_replay_that_breaks_half_way_changes_and_notes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.7")
    request.user = AnonymousUser()
    row = DeliveryFactory(installation=InstallationFactory(), state="dead")
    with pytest.raises(TypeError):
        replay(row.installation.deliveries.all(), row.installation, request, what=object())
    row.refresh_from_db()
    assert (row.state, AuditEntry.objects.count()) == ("dead", 0)


def test_of_many_ids_the_log_names_the_first() -> None:
    ids = [uuid.uuid4() for _ in range(23)]
    assert replaying.named(ids[:2]) == f"{ids[0]}, {ids[1]}"
    assert replaying.named(ids).endswith(f"{ids[19]} and 3 more")
