from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from planeapp.bot import answering, handlers
from planeapp.bot.context import Reply
from planeapp.bot.models import Turn
from planeapp.bot.tasks import answer
from planeapp.inbox.tasks import work_inbox
from planeapp.installations.models import Installation
from planeapp.lib.errors import FixSettings, Gone, RetryLater
from tests.vendors import NOBODY, Talk

State = Turn.State


def heard(talk: Talk, text: str = "status", by: str = "ada") -> Turn:
    """Somebody wrote to the bot and it was heard; nobody has worked on it yet."""
    talk.behave(agent="off")
    talk.write(text, by)
    talk.deliver()
    work_inbox()
    Turn.objects.update(due_at=timezone.now())
    return Turn.objects.get()


def raising(*errors: Exception) -> Any:
    """A handler that raises these, one each time, and answers after that."""
    left = list(errors)

    def handler(*_: Any) -> Reply:
        if left:
            raise left.pop(0)
        return Reply("Now it works.")

    return handler


# Vendors that fail


def test_a_plane_that_is_down_gets_the_answer_later(talk: Talk) -> None:
    turn = heard(talk)
    talk.team.vendors.plane.fault("/comments/", method="POST", status=503)
    answer()
    turn.refresh_from_db()
    assert (talk.answers(), turn.attempts, turn.claimed_at) == ([], 1, None)
    assert turn.due_at > timezone.now()
    talk.work()
    assert len(talk.answers()) == 1


def test_a_plane_that_is_down_after_the_command_does_not_make_it_happen_twice(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setitem(handlers.HANDLERS, "status", lambda *_: Reply(f"Done {done.append('x') or len(done)}."))
    heard(talk)
    talk.team.vendors.plane.fault("/comments/", method="POST", status=502)
    answer()
    assert Turn.objects.get().state == State.ACTED
    talk.work()
    assert (done, talk.answers()) == (["x"], ["Done 1."])


def test_a_rate_limited_plane_gets_the_answer_when_its_limit_allows(talk: Talk) -> None:
    turn = heard(talk)
    body = '{"error_code": 5900, "error_message": "RATE_LIMIT_EXCEEDED"}'
    talk.team.vendors.plane.fault("/work-items/", status=429, body=body, headers={"retry-after": "40"})
    answer()
    turn.refresh_from_db()
    assert 35 < (turn.due_at - timezone.now()).total_seconds() <= 40
    with time_machine.travel(timezone.now() + timedelta(seconds=41)):
        talk.work()
    assert len(talk.answers()) == 1


def test_an_answer_whose_confirmation_was_lost_is_written_once(talk: Talk) -> None:
    heard(talk)
    talk.team.vendors.plane.fault("/comments/", method="POST", after=True, status=504, body="<html>late</html>")
    answer()
    talk.work()
    assert len(talk.answers()) == 1


def test_an_answer_on_a_run_whose_confirmation_was_lost_is_said_once(talk: Talk) -> None:
    talk.write("status")
    talk.deliver()
    talk.team.vendors.plane.fault("/activities/", method="POST", contains="response", after=True, drop=True)
    talk.work()
    talk.work()
    assert [said["type"] for said in talk.said()] == ["thought", "response"]


def test_a_thought_that_plane_refuses_does_not_stop_the_answer(talk: Talk) -> None:
    talk.write("status")
    talk.deliver()
    talk.team.vendors.plane.fault("/activities/", method="POST", contains="thought", status=400, body="{}")
    talk.work()
    assert [said["type"] for said in talk.said()] == ["response"]


def test_an_answer_that_plane_refuses_for_good_is_given_up(talk: Talk) -> None:
    turn = heard(talk)
    talk.team.vendors.plane.fault("/comments/", method="POST", status=400, body='{"error": "no"}', times=9)
    answer()
    turn.refresh_from_db()
    assert (turn.state, talk.answers()) == (State.FAILED, [])


def test_a_bot_that_plane_refuses_waits_until_it_is_connected_again(talk: Talk) -> None:
    turn = heard(talk)
    talk.team.vendors.rows.store.put(
        "installation", str(talk.installation.app_installation_id), {"id": "", "application": ""}
    )
    answer()
    turn.refresh_from_db()
    assert (turn.state, turn.claimed_at) == (State.HEARD, None)
    assert Installation.objects.get().status != Installation.Status.ACTIVE
    assert list(answering.open_turns()) == []


def test_a_command_that_keeps_failing_is_told_in_the_end(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(handlers.HANDLERS, "status", raising(*[RetryLater("down")] * answering.MAX_ATTEMPTS))
    heard(talk)
    for _ in range(answering.MAX_ATTEMPTS):
        Turn.objects.update(due_at=timezone.now())
        answer()
    meanwhile, end = talk.answers()
    assert meanwhile == f"{RetryLater.default_person} {answering.LATER}"
    assert end == f"{RetryLater.default_person} {answering.GAVE_UP}"
    assert Turn.objects.get().state == State.ANSWERED


def test_a_plane_that_stays_down_is_given_up_after_the_last_try(talk: Talk, settings: Any) -> None:
    turn = heard(talk)
    Turn.objects.update(attempts=answering.MAX_ATTEMPTS - 1)
    settings.PLANE_BASE_URL = NOBODY
    answer()
    turn.refresh_from_db()
    assert turn.state == State.FAILED


# Commands that fail


def test_a_handler_that_crashes_says_so_kindly_and_leaves_the_trace_in_the_log(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(handlers.HANDLERS, "status", raising(ZeroDivisionError("who divides by zero")))
    assert talk.ask("status").startswith("Something went wrong on our side.")
    assert talk.said()[-1]["type"] == "error"
    crash = next(record for record in caplog.records if "crashed" in str(record.msg))
    assert crash.levelname == "ERROR"
    assert "ZeroDivisionError" in str(crash.msg) or crash.exc_info


@pytest.mark.parametrize(
    "error", [FixSettings("400", person="The template is missing."), Gone("404", person="It is gone.")]
)
def test_a_command_that_is_refused_says_why(talk: Talk, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    monkeypatch.setitem(handlers.HANDLERS, "status", raising(error))
    assert talk.ask("status") == error.person


def test_markup_in_a_vendors_message_is_shown_as_it_is(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        handlers.HANDLERS, "status", raising(FixSettings("", person="No [go](https://evil.example) <b>"))
    )
    heard(talk)
    talk.work()
    assert "<a" not in talk.comments()[0]["comment_html"]
    assert talk.answers() == ["No [go](https://evil.example) <b>"]


def test_a_work_item_that_is_gone_is_said_to_be_gone(talk: Talk) -> None:
    talk.behave(agent="flat")
    talk.write("status")
    talk.deliver("agent_run_user_prompt")
    item = talk.team.item()
    talk.rows.store.put("work_item", item["id"], item | {"archived_at": "2026-01-01"})
    talk.work()
    assert "archived or deleted" in talk.said()[-1]["content"]["body"]


def test_one_turn_that_breaks_does_not_keep_the_others_waiting(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    talk.behave(agent="off")
    talk.write("status")
    talk.write("help")
    talk.deliver()
    real, broken = answering.replies.deliver, []

    def deliver(one: Any) -> None:
        if not broken:
            broken.append(one.turn.pk)
            raise KeyError("a bug")
        real(one)

    monkeypatch.setattr(answering.replies, "deliver", deliver)
    talk.work()
    assert len(talk.answers()) == 1
    turn = Turn.objects.get(pk=broken[0])
    assert (turn.state, turn.attempts, turn.claimed_at) == (State.ACTED, 1, None)
    talk.work()
    assert len(talk.answers()) == 2


# Once, whatever happens


def test_a_turn_that_is_worked_on_twice_is_answered_by_one_comment(talk: Talk) -> None:
    turn = heard(talk)
    answer()
    Turn.objects.filter(pk=turn.pk).update(state=State.HEARD, claimed_at=None)
    answer()
    assert len(talk.answers()) == 1


def test_two_workers_do_not_take_the_same_turn(talk: Talk) -> None:
    heard(talk)
    claimed = answering.claim(answering.open_turns(), 5)
    assert (len(claimed), answering.answer_batch()) == (1, 0)


def test_a_turn_whose_worker_died_is_taken_up_again(talk: Talk) -> None:
    turn = heard(talk)
    Turn.objects.filter(pk=turn.pk).update(claimed_at=timezone.now() - timedelta(minutes=5))
    assert answer() == 1
    assert len(talk.answers()) == 1


def test_a_worker_that_died_after_the_command_is_followed_by_one_that_only_delivers(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(handlers.HANDLERS, "status", raising(AssertionError("done already")))
    turn = heard(talk)
    Turn.objects.filter(pk=turn.pk).update(state=State.ACTED, answer="All done.", answer_kind="response")
    answer()
    assert talk.answers() == ["All done."]


def test_a_comment_that_was_deleted_before_we_read_it_leaves_the_bot_quiet(talk: Talk) -> None:
    turn = heard(talk)
    Turn.objects.filter(pk=turn.pk).update(text="", comment_id=uuid.uuid4())
    answer()
    turn.refresh_from_db()
    assert (turn.state, talk.answers()) == (State.QUIET, [])


def test_a_workspace_that_uninstalled_the_app_is_not_answered(talk: Talk) -> None:
    heard(talk)
    Installation.objects.update(status=Installation.Status.UNINSTALLED)
    assert (answer(), talk.answers()) == (0, [])


def test_a_question_of_last_week_is_not_answered_any_more(talk: Talk) -> None:
    heard(talk)
    Turn.objects.update(created_at=timezone.now() - timedelta(days=7))
    assert (answer(), talk.answers()) == (0, [])
