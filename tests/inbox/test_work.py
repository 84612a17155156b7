from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from planeapp.bot.models import Turn
from planeapp.inbox import work
from planeapp.inbox.models import Delivery, Happening
from planeapp.inbox.routes import ROUTES
from planeapp.inbox.tasks import work_inbox
from planeapp.inbox.turns import LEASE, claim_turns
from planeapp.installations.models import Installation
from planeapp.installations.project_facts import StoredFacts
from planeapp.sync.models import Due
from tests.factories import ConnectionFactory, DeliveryFactory, InstallationFactory, ItemLinkFactory, ProjectPairFactory
from tests.inbox.sending import CAPTURED, issue, issue_body, push, push_captured

pytestmark = pytest.mark.django_db
WORKSPACE = "4ebe9d11-4ef7-43f3-a486-667e10df0135"
CSBOT = "c05dee0f-8235-48d9-b338-0f4a1be063d3"
PROJECT = "e0e8542b-2eb3-40a7-8f8b-313a23e04424"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that cannot do its work."""

    def handler(*args: object) -> str:
        Installation.objects.update(name="half done")
        raise LookupError("secret detail")

    monkeypatch.setitem(ROUTES, "item.changed", handler)


def end(raw: bytes, **more: object) -> Delivery:
    """A delivery with this body, worked on."""
    row = DeliveryFactory(body=raw, **more)
    work.work_batch()
    row.refresh_from_db()
    return row


def test_a_change_in_a_paired_project_is_handled_and_makes_its_item_due() -> None:
    pair = ProjectPairFactory()
    item = uuid.uuid4()
    row = end(issue(pair.connection.installation.workspace_id, project=pair.project_id, item=item))
    assert (row.state, row.reason, row.kind, row.subject) == ("handled", "", "item.changed", str(item))
    assert (row.installation, row.claimed_at) == (pair.connection.installation, None)
    assert row.finished_at is not None
    assert Due.objects.get().item_id == str(item)


def test_a_changed_project_makes_us_ask_plane_anew_what_it_looks_like() -> None:
    installation = InstallationFactory()
    StoredFacts(installation).keep(PROJECT, "states", [{"id": "s", "name": "Todo"}])
    raw = json.loads(issue(installation.workspace_id, event="project"))
    raw["data"]["id"] = PROJECT
    row = end(json.dumps(raw).encode())
    assert (row.state, row.kind) == ("handled", "project.changed")
    assert StoredFacts(installation).load(PROJECT) == {}


def ignored() -> Iterator[tuple[str, object]]:
    ours = uuid.uuid4()
    yield "unknown workspace", lambda: issue(uuid.uuid4())
    yield "unknown workspace", lambda: issue("not a uuid")
    yield "unknown workspace", lambda: b"{}"
    yield "its project is not paired", lambda: issue(InstallationFactory().workspace_id)
    yield "the app is uninstalled there", lambda: issue(InstallationFactory(status="uninstalled").workspace_id)
    yield "our own change", lambda: issue(InstallationFactory(app_bot=ours).workspace_id, actor=ours)
    yield "not an event that we use", lambda: issue(InstallationFactory().workspace_id, event="cycle")
    yield (
        "only the time of the last activity moved",
        lambda: issue(InstallationFactory().workspace_id, field="last_activity_at"),
    )


@pytest.mark.parametrize(("reason", "raw"), list(ignored()))
def test_what_asks_for_nothing_is_ignored_with_the_reason(reason: str, raw: object) -> None:
    row = end(raw())  # type: ignore[operator]
    assert (row.state, row.reason) == ("ignored", reason)
    assert row.finished_at is not None
    assert not Due.objects.exists()


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"{", b'{"a": NaN}', b"\xff"])
def test_what_cannot_be_read_is_dead_at_once_with_the_reason(raw: bytes) -> None:
    row = end(raw)
    assert row.state == "dead"
    assert row.reason.startswith("unreadable")


@pytest.mark.parametrize("field", ["\\u0000", "\\ud800", "x" * 5000])
def test_odd_characters_in_a_reason_do_not_stop_the_inbox(field: str) -> None:
    workspace = InstallationFactory().workspace_id
    raw = json.dumps(issue_body(workspace, event="issue_comment", field="FIELD")).replace("FIELD", field).encode()
    assert end(raw).state == "ignored"


# Failures


def test_a_handler_that_breaks_leaves_nothing_behind_and_is_tried_again(broken: None) -> None:
    installation = InstallationFactory(name="whole")
    row = end(issue(installation.workspace_id))
    installation.refresh_from_db()
    assert (row.state, row.reason, row.attempts) == ("failed", "LookupError: will be tried again", 1)
    assert row.due_at > timezone.now()
    assert (row.claimed_at, row.finished_at) == (None, None)
    assert installation.name == "whole"
    assert not Happening.objects.exists()


def test_a_failed_delivery_waits_longer_each_time_and_is_given_up_in_the_end(broken: None) -> None:
    row, waits = DeliveryFactory(body=issue(InstallationFactory().workspace_id)), []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(work.MAX_ATTEMPTS):
            assert work.work_batch() == 1
            row.refresh_from_db()
            waits.append((row.due_at - timezone.now()).total_seconds())
            clock.shift(timedelta(hours=2))
        assert work.work_batch() == 0
    assert (row.state, row.reason) == ("dead", "Given up after 8 tries: LookupError")
    assert waits[:-1] == sorted(waits[:-1])
    assert "secret detail" not in row.reason


def test_a_delivery_that_failed_works_when_the_fault_is_mended(broken: None, monkeypatch: pytest.MonkeyPatch) -> None:
    row = end(issue(InstallationFactory().workspace_id))
    monkeypatch.setitem(ROUTES, "item.changed", lambda _, __, events: [""] * len(events))
    Delivery.objects.update(due_at=timezone.now())
    work.work_batch()
    row.refresh_from_db()
    assert (row.state, row.reason) == ("handled", "")


def test_one_broken_delivery_does_not_hold_up_the_others(broken: None) -> None:
    installation = InstallationFactory()
    rows = [DeliveryFactory(body=issue(installation.workspace_id)), DeliveryFactory(body=b"{}")]
    assert work_inbox() == 2
    assert [Delivery.objects.get(pk=row.pk).state for row in rows] == ["failed", "ignored"]


def test_what_a_dead_worker_held_is_worked_on_after_its_lease() -> None:
    row = DeliveryFactory(claimed_at=timezone.now() - LEASE - timedelta(seconds=1))
    assert work.work_batch() == 1
    row.refresh_from_db()
    assert row.state == "ignored"


def test_a_worker_that_was_given_up_for_dead_and_goes_on_changes_nothing() -> None:
    pair = ProjectPairFactory()
    DeliveryFactory(body=issue(pair.connection.installation.workspace_id, project=pair.project_id))
    held = claim_turns()
    Delivery.objects.update(claimed_at=timezone.now() + timedelta(seconds=1))  # somebody else took it meanwhile
    work.work_together(held)
    assert Delivery.objects.get().state == "waiting"
    assert not Due.objects.exists()
    assert not Happening.objects.exists()


def test_what_ended_is_not_worked_on_again() -> None:
    for state in ("handled", "ignored", "dead"):
        DeliveryFactory(state=state)
    assert work.work_batch() == 0


# The same thing again


def test_the_same_event_twice_has_one_effect() -> None:
    pair = ProjectPairFactory()
    raw = issue(pair.connection.installation.workspace_id, project=pair.project_id)
    rows = [end(raw) for _ in range(3)]
    assert [(row.state, row.reason) for row in rows] == [("handled", "")] + [("ignored", "delivered before")] * 2
    assert Due.objects.get().asked == 1


def test_a_later_change_to_the_same_value_is_an_event_of_its_own() -> None:
    pair, item, actor = ProjectPairFactory(), uuid.uuid4(), uuid.uuid4()
    told = {"project": pair.project_id, "item": item, "actor": actor}
    rows = [end(issue(pair.connection.installation.workspace_id, at=f"2026-11-20T18:00:0{n}Z", **told)) for n in (1, 2)]
    assert [row.state for row in rows] == ["handled", "handled"]
    assert Due.objects.get().asked == 2


def test_the_same_event_in_two_workspaces_counts_in_both() -> None:
    first, second = ProjectPairFactory(), ProjectPairFactory()
    told = {"item": uuid.uuid4(), "actor": uuid.uuid4()}
    for pair in (first, second):
        end(issue(pair.connection.installation.workspace_id, project=pair.project_id, **told))
    assert Due.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_fifty_copies_at_once_have_one_effect() -> None:
    pair = ProjectPairFactory()
    raw = issue(pair.connection.installation.workspace_id, project=pair.project_id)
    for _ in range(50):
        DeliveryFactory(body=raw)

    def worker() -> int:
        try:
            return work_inbox()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        done = sum(future.result() for future in [pool.submit(worker) for _ in range(3)])
    assert done == 50
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["handled"] + ["ignored"] * 49
    assert Due.objects.get().asked == 1


# What a real Plane sent, to its end


@pytest.fixture
def sandbox() -> Installation:
    """The workspace of the recorded deliveries, with its project paired and its bot mentioned in some of them."""
    installation = InstallationFactory(workspace_id=WORKSPACE, slug="sandbox", app_bot=CSBOT)
    ProjectPairFactory(connection__installation=installation, project_id=PROJECT)
    return installation


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_every_recorded_delivery_is_worked_to_an_end(sandbox: Installation, path: Path) -> None:
    assert push_captured(path).status_code == 200
    assert work_inbox() == 1
    row = Delivery.objects.get()
    assert row.state in ("handled", "ignored")
    assert bool(row.reason) is (row.state == "ignored")
    assert row.installation == sandbox


def test_the_five_deliveries_of_one_edit_fold_into_one_piece_of_work(sandbox: Installation) -> None:
    sandbox.app_bot = None
    sandbox.save()
    edit = [path for path in CAPTURED if "5_fields_one_patch" in path.name]
    for path in edit:
        push_captured(path)
    work_inbox()
    assert len(edit) == 5
    assert Due.objects.get().asked == 1
    assert set(Delivery.objects.values_list("state", "reason")) == {("handled", "one piece of work with 4 more")}


def test_a_recorded_mention_of_the_bot_is_heard(sandbox: Installation) -> None:
    (path,) = [path for path in CAPTURED if path.stem.endswith("009_comment_created_with_bot_mention")]
    push_captured(path)
    work_inbox()
    turn = Turn.objects.get()
    assert turn.text == "Hey please sync this account"
    assert Delivery.objects.get().state == "handled"


def test_everything_recorded_in_any_order_and_twice_has_the_same_effects(sandbox: Installation) -> None:
    def effects() -> tuple[set[str], set[str]]:
        return set(Due.objects.values_list("item_id", flat=True)), set(Turn.objects.values_list("key", flat=True))

    for path in CAPTURED:
        push_captured(path)
    work_inbox()
    first, happened = effects(), Happening.objects.count()
    for path in reversed(CAPTURED):
        push_captured(path)
    work_inbox()
    assert effects() == first
    assert Happening.objects.count() == happened
    assert not Delivery.objects.exclude(state__in=["handled", "ignored"]).exists()


# Providers


def test_a_providers_change_makes_the_linked_item_due() -> None:
    link = ItemLinkFactory(remote_id="blk-1")
    raw = json.dumps({"id": "evt-1", "type": "block.updated", "data": {"id": "blk-1"}}).encode()
    row = end(raw, source="provider", connection=link.pair.connection)
    assert (row.state, row.subject) == ("handled", "blk-1")
    assert Due.objects.get().item_id == str(link.item_id)


def test_a_providers_change_to_a_row_that_is_not_linked_is_ignored() -> None:
    raw = json.dumps({"id": "evt-1", "type": "block.updated", "data": {"id": "blk-1"}}).encode()
    row = end(raw, source="provider", connection=ConnectionFactory())
    assert (row.state, row.reason) == ("ignored", "not linked to a work item")


def test_an_empty_list_of_a_provider_is_ignored() -> None:
    row = end(b"[]", source="provider", connection=ConnectionFactory())
    assert (row.state, row.reason) == ("ignored", "nothing in it for us")


def test_a_delivery_pushed_and_worked_needs_no_network() -> None:
    assert push(issue(InstallationFactory().workspace_id)).status_code == 200
    assert work_inbox() == 1
