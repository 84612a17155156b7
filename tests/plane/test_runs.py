"""Talks of the bot with people, against the sandbox Plane over HTTP."""

from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings, Gone, OutcomeUnknown, RetryLater
from planeapp.plane.gateway import Plane
from planeapp.plane.mentions import mention_html
from planeapp.sandbox.plane import agents, comments
from tests.plane.conftest import Sandbox


@pytest.fixture
def run(sandbox: Sandbox, item: str) -> str:
    """A run that Milo began by mentioning the bot."""
    milo, bot = sandbox.row("user", display_name="milo"), sandbox.row("installation")["app_bot"]
    comments.add(
        sandbox.plane, sandbox.row("work_item", id=item), milo, comment_html=f"<p>{mention_html(bot)} help</p>"
    )
    return str(sandbox.row("run")["id"])


def test_a_run_knows_its_item_and_what_was_said(plane: Plane, run: str, item: str) -> None:
    assert plane.run(run)["issue"] == item
    assert [(row["type"], row["content"]["body"]) for row in plane.activities(run)] == [("prompt", "help")]


def test_a_thought_an_action_and_a_response_are_said(plane: Plane, run: str) -> None:
    plane.say(run, "thought", "Looking up Acme")
    plane.say(run, "action", "find company", parameters={"name": "Acme", "limit": 5})
    said = plane.say(run, "response", "**Done**", metadata={"company": "c1"})
    assert said["content_metadata"] == {"company": "c1"}
    assert plane.activities(run)[2]["content"]["parameters"] == {"name": "Acme", "limit": "5"}
    assert plane.run(run)["status"] == "completed"


def test_an_ambiguous_name_becomes_a_choice(plane: Plane, run: str) -> None:
    options = {"options": [{"id": "1", "label": "Acme"}, {"id": "2", "label": "Acme Labs"}]}
    said = plane.say(run, "elicitation", "Which one?", signal="select", signal_metadata=options)
    assert (said["signal"], said["signal_metadata"]) == ("select", options)
    assert plane.run(run)["status"] == "awaiting"


def test_an_answer_with_a_mark_is_said_once(sandbox: Sandbox, plane: Plane, run: str) -> None:
    first = plane.say(run, "response", "Done", mark="reply:1")
    assert plane.say(run, "response", "Done", mark="reply:1")["id"] == first["id"]
    assert len(sandbox.requests("POST", "/activities/")) == 1


def test_a_lost_answer_is_unknown_for_a_response_and_harmless_for_a_thought(
    sandbox: Sandbox, plane: Plane, run: str
) -> None:
    sandbox.fault(method="POST", path="/activities/", times=3, status=502, body="<html>bad gateway</html>")
    with pytest.raises(OutcomeUnknown):
        plane.say(run, "response", "Done")
    for said in ({"type": "thought"}, {"type": "response", "mark": "reply:1"}):
        with pytest.raises(RetryLater):
            plane.say(run, body="Done", **said)


def test_a_stop_is_seen(sandbox: Sandbox, plane: Plane, run: str) -> None:
    assert plane.was_stopped(run) is False
    agents.prompt(sandbox.plane, sandbox.row("run"), sandbox.row("user", display_name="milo"), None, signal="stop")
    assert plane.was_stopped(run) is True


def test_a_word_that_no_signal_has_is_a_fault_of_ours(plane: Plane, run: str) -> None:
    with pytest.raises(ValueError, match="shout"):
        plane.say(run, "response", "Done", signal="shout")


def test_only_people_prompt(plane: Plane, run: str) -> None:
    with pytest.raises(ValueError, match="prompt"):
        plane.say(run, "prompt", "help")


def test_what_plane_refuses_is_told(plane: Plane, run: str) -> None:
    with pytest.raises(FixSettings) as refusal:
        plane.say(run, "elicitation", "Connect", signal="auth_request", signal_metadata={"url": "ftp://x"})
    assert "https url" in refusal.value.person


def test_a_run_that_is_not_there_is_gone(plane: Plane) -> None:
    with pytest.raises(Gone):
        plane.run("00000000-0000-0000-0000-000000000009")
