from __future__ import annotations

import json
from typing import Any

import pytest

from planeapp.customers import actions, firing, performing, rule_preview
from planeapp.customers.models import Firing
from planeapp.customers.rules import spec_of
from planeapp.lib.errors import OutOfQuota
from planeapp.sync.models import Due, Tie, TimelineEntry
from tests.customers.ruling import COMMENT, Killed, Ruling, http, ruling, sandbox
from tests.factories import ItemLinkFactory, ProjectPairFactory

__all__ = ["http", "ruling", "sandbox"]
FULL = {
    "title": "Onboard {company}", "notes": "Was in {before}.", "state": "started", "priority": "high", "labels": ["bug", "vip"],
    "assign": "owner", "start_in": 1, "due_in": 8,
}  # fmt: skip


def names(ruling: Ruling, ids: list[str]) -> set[str]:
    return {row["name"] for row in ruling.sandbox.plane.live("label") if row["id"] in ids}


def test_what_the_preview_shows_is_what_is_made(ruling: Ruling) -> None:
    rule = ruling.rule(ruling.create(**FULL))
    ruling.tell(phase="Onboarding", owner="ada@sandbox.test")
    shown = rule_preview.preview(ruling.connection, spec_of(rule))[0]
    assert ruling.made() == []
    ruling.work()
    (item,), step = ruling.made(), shown.steps[0]
    assert shown.before == "Trial" and Firing.objects.get().plan == shown.steps
    assert (
        (item["name"], item["description_html"])
        == (step["title"], step["notes"])
        == ("Onboard Acme", "<p>Was in Trial.</p>")
    )
    assert (item["start_date"], item["target_date"], item["priority"]) == (step["start"], step["end"], "high")
    assert names(ruling, item["labels"]) == set(step["labels"]) == {"bug", "vip"}
    assert ruling.sandbox.plane.one("state", item["state"])["group"] == "started"
    assert item["assignees"] == [ruling.sandbox.row("user", email=step["assign"])["id"]]


def test_a_made_item_is_tied_to_the_company_and_brought_in_step(ruling: Ruling) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")
    ruling.work()
    (item,) = ruling.made()
    tie = Tie.objects.get()
    assert (str(tie.item_id), tie.party_id, tie.origin, tie.item_key) == (item["id"], "acme", "rule", "CUST-8")
    assert Due.objects.get().item_id == item["id"]
    line = TimelineEntry.objects.get(item_id=item["id"])
    assert "Rule" in line.text and "Acme" in line.text
    assert Firing.objects.get().results[0]["said"] == "Made CUST-8."


def test_an_owner_whom_plane_does_not_know_is_said_and_no_failure(ruling: Ruling) -> None:
    ruling.rule(ruling.create(assign="owner"), {"do": "assign", "who": "jo@far.test"})
    ruling.tied(1, "started")
    ruling.tell(phase="Onboarding", owner="jo@far.test")
    ruling.work()
    fired = Firing.objects.get()
    assert fired.state == "done" and len(ruling.made()) == 1
    assert all("jo@far.test is no member" in result["said"] for result in fired.results)


def test_open_items_of_the_company_are_labelled_assigned_and_commented_on(ruling: Ruling) -> None:
    ruling.rule(COMMENT, {"do": "label", "label": "Onboarding"}, {"do": "assign", "who": "ada@sandbox.test"})
    before = ruling.tied(1, "started")
    ruling.tied(2, "completed")
    ruling.tied(4, "unstarted")
    ruling.tell(phase="Onboarding")
    ruling.work()
    ada, milo = (ruling.sandbox.row("user", display_name=name)["id"] for name in ("ada", "milo"))
    item = ruling.item(1)
    assert set(item["labels"]) > set(before["labels"]) and names(ruling, item["labels"]) == {"bug", "Onboarding"}
    assert item["assignees"] == [milo, ada]
    assert [(row["issue"], row["comment_html"]) for row in ruling.comments()] == [
        (item["id"], "<p>Acme is in Onboarding now.</p>"), (ruling.item(4)["id"], "<p>Acme is in Onboarding now.</p>"),
    ]  # fmt: skip
    assert ruling.item(2)["labels"] and names(ruling, ruling.item(2)["labels"]) == {"bug"}


def test_items_that_we_know_nothing_of_are_looked_at_and_left_when_finished(ruling: Ruling) -> None:
    ruling.rule()
    ruling.tied(1)
    ruling.tied(7)  # done
    ruling.tell(phase="Onboarding")
    ruling.work()
    assert [row["issue"] for row in ruling.comments()] == [ruling.item(1)["id"]]
    said = Firing.objects.get().results[0]["said"]
    assert said == "Commented on 1 work item. Left out: CUST-7: It is finished."


def test_items_tied_by_a_label_count_and_those_that_a_person_took_off_do_not(ruling: Ruling) -> None:
    pair = ProjectPairFactory(connection=ruling.connection, project_id=ruling.project)
    for number in (1, 2):
        ItemLinkFactory(
            pair=pair, item_id=ruling.item(number)["id"], ours={"state": "started", "parties": ["acme", "x"]}
        )
    ItemLinkFactory(pair=pair, item_id=ruling.item(3)["id"], ours={"state": "started", "parties": ["acme-2"]})
    ruling.tied(2)
    Tie.objects.update(state=Tie.State.OFF)
    ruling.rule()
    ruling.tell(phase="Onboarding")
    assert [entry["item"] for entry in Firing.objects.get().plan[0]["items"]] == [ruling.item(1)["id"]]


def test_a_label_that_was_deleted_since_we_asked_is_made_anew(ruling: Ruling) -> None:
    ruling.rule(ruling.create(labels=["vip"]))
    for phase in ("Onboarding", "Trial"):
        ruling.tell(phase=phase)
    ruling.work()
    (first,) = ruling.made()
    ruling.sandbox.plane.store.put("work_item", first["id"], first | {"labels": []})
    ruling.sandbox.plane.store.delete("label", ruling.sandbox.row("label", name="vip")["id"])
    ruling.tell(phase="Onboarding")
    ruling.work()
    assert ruling.states() == ["done", "done"] and names(ruling, ruling.made()[1]["labels"]) == {"vip"}


def test_an_item_that_was_deleted_meanwhile_is_skipped_with_a_reason(ruling: Ruling) -> None:
    ruling.rule({"do": "label", "label": "vip"}, COMMENT, {"do": "assign", "who": "ada@sandbox.test"})
    gone, there = ruling.tied(1, "started"), ruling.tied(2, "started")
    ruling.tell(phase="Onboarding")
    ruling.sandbox.plane.store.delete("work_item", gone["id"])
    ruling.work()
    fired = Firing.objects.get()
    assert fired.state == "done" and [row["issue"] for row in ruling.comments()] == [there["id"]]
    assert all("CUST-1: It was deleted" in result["said"] for result in fired.results)


def test_more_than_a_hundred_items_are_said(ruling: Ruling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planeapp.customers.rule_steps.MOST_ITEMS", 1)
    ruling.rule()
    ruling.tied(1, "started")
    ruling.tied(2, "started")
    ruling.tell(phase="Onboarding")
    ruling.work()
    assert len(ruling.comments()) == 1
    assert "1 more were left as they are" in Firing.objects.get().results[0]["said"]


def kill_once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, call: int, *, after: bool = False) -> None:
    """The worker dies at this call of a function, before or after it is done."""
    real, calls = getattr(place, name), []

    def dying(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == call and not after:
            raise Killed
        found = real(*args, **more)
        if len(calls) == call:
            raise Killed
        return found

    monkeypatch.setattr(place, name, dying)


@pytest.mark.parametrize(
    ("place", "name", "call", "after"),
    [
        (actions, "_create", 1, True),
        (actions.ties, "tie", 1, False),
        (actions.ties, "look", 1, True),
        (performing, "_save", 1, False),
        (performing, "_step", 1, True),
        (performing, "_step", 2, True),
        (performing, "_save", 2, False),
        (performing, "_save", 2, True),
        (performing, "_finish", 1, False),
    ],
)
def test_who_is_killed_in_between_doubles_nothing(
    ruling: Ruling, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, call: int, after: bool
) -> None:
    ruling.rule(ruling.create(), COMMENT, {"do": "label", "label": "vip"})
    ruling.tied(1, "started")
    ruling.tied(2, "started")
    ruling.tell(phase="Onboarding")
    kill_once(monkeypatch, place, name, call, after=after)
    with pytest.raises(Killed):
        ruling.work()
    firing.work(ruling.connection)  # its claim has not lapsed yet: nobody takes it over
    assert ruling.states() == ["waiting"]
    ruling.work()
    ruling.work()
    assert ruling.states() == ["done"] and len(ruling.made()) == 1 and len(ruling.comments()) == 2
    assert Tie.objects.filter(origin="rule").count() == 1
    assert TimelineEntry.objects.filter(code="rule").count() == 1


def test_a_lost_answer_does_not_double_the_item(ruling: Ruling) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")
    ruling.sandbox.fault(method="POST", path="/work-items/$", status=502, after=True)
    ruling.stumble()
    assert len(ruling.made()) == 1 and ruling.states() == ["waiting"]
    ruling.work()
    assert len(ruling.made()) == 1 and ruling.states() == ["done"]


def test_one_that_fails_does_not_stop_others_and_goes_on_after_mending(ruling: Ruling) -> None:
    away = {"do": "create_item", "project_id": "0b0e1d1c-53b9-4b1e-9d3f-0a4f5b6c7d8e", "title": "Nowhere"}
    broken = ruling.rule(ruling.create(title="First"), away)
    ruling.rule(ruling.create(title="Fine"))
    ruling.tell(phase="Onboarding")
    ruling.work()
    failed = Firing.objects.get(rule=broken)
    assert failed.state == "failed" and "add the bot to the project" in failed.detail
    assert sorted(row["name"] for row in ruling.made()) == ["Fine", "First"]
    failed.plan[1]["project"] = ruling.project  # as if it had been let in
    failed.save()
    firing.retry(failed)
    ruling.work()
    assert ruling.states() == ["done", "done"]
    assert sorted(row["name"] for row in ruling.made()) == ["Fine", "First", "Nowhere"]


def test_items_that_fail_are_tried_again_alone(ruling: Ruling) -> None:
    ruling.rule()
    first, second = ruling.tied(1, "started"), ruling.tied(2, "started")
    ruling.tell(phase="Onboarding")
    ruling.sandbox.fault(method="POST", path=f"{first['id']}/comments/", status=400, body=json.dumps({"error": "no"}))
    ruling.work()
    fired = Firing.objects.get()
    assert fired.state == "failed" and fired.detail.startswith("1 of 2 work items were not changed.")
    firing.retry(fired)
    ruling.work()
    assert ruling.states() == ["done"] and len(ruling.comments()) == 2
    assert len(ruling.sandbox.requests("POST", "/comments/")) == 3
    assert len(ruling.sandbox.requests("GET", f"{second['id']}/comments/")) == 1


def test_a_limit_that_is_used_up_leaves_the_firing_as_it_was(ruling: Ruling, monkeypatch: pytest.MonkeyPatch) -> None:
    ruling.rule(ruling.create())
    ruling.tell(phase="Onboarding")

    def empty(turn: Any) -> None:
        raise OutOfQuota("none left", delay=5)

    with monkeypatch.context() as patched:
        patched.setattr(performing, "perform", empty)
        with pytest.raises(OutOfQuota):
            ruling.work()
    assert Firing.objects.get().attempts == 0 and Firing.objects.get().claimed_at is None
    firing.work(ruling.connection)
    assert ruling.states() == ["done"]


def test_a_rule_that_is_switched_off_stops_between_two_steps(ruling: Ruling, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = ruling.rule(ruling.create(title="One"), ruling.create(title="Two"))
    ruling.tell(phase="Onboarding")
    real = performing.perform

    def then_off(turn: Any) -> Any:
        found = real(turn)
        firing.disarm(rule)
        return found

    monkeypatch.setattr(performing, "perform", then_off)
    ruling.work()
    assert [row["name"] for row in ruling.made()] == ["One"] and ruling.states() == ["dropped"]
