"""What the bot says and leaves where Plane allows it less than it asks for."""

from __future__ import annotations

import pytest

from planeapp.bot.models import Turn
from planeapp.sync.models import Tie
from tests.fewer import deny
from tests.vendors import Talk

COMMENTS = ("projects.work_items.comments:read", "projects.work_items.comments:write")
RUNS = ("agents.run_activities:read", "agents.run_activities:write")


@pytest.fixture
def paired(talk: Talk) -> Talk:
    """The project is paired with Planner's."""
    talk.team.pair(talk.team.connect("planner"))
    return talk


def without(talk: Talk, *scopes: str) -> Talk:
    deny(talk.rows, talk.installation, *scopes)
    return talk


def test_dates_that_may_not_be_written_are_told_in_plain_words_and_nothing_is_done(paired: Talk) -> None:
    told = without(paired, "projects.work_items:write").ask("schedule tomorrow 10:00 for 2h")
    assert told.startswith("Plane did not allow projects.work_items:write, so work items in Plane")
    assert "Tick it in the app's Scopes & Permissions" in told.replace("&amp;", "&")
    assert (paired.team.vendors.plane.asked("PATCH"), paired.team.blocks()) == ([], [])


def test_a_command_that_needs_no_writing_in_plane_still_works(paired: Talk) -> None:
    assert "CUST-1" in without(paired, "projects.work_items:write").ask("status")


def test_roles_that_may_not_be_known_let_nobody_change_anything(talk: Talk) -> None:
    talk.team.connect("planhat")
    assert "workspaces.members:read" in without(talk, "workspaces.members:read").ask("link Acme Air")
    assert not Tie.objects.exists() and not talk.team.vendors.plane.asked("GET", "/members/")


def test_where_runs_are_closed_the_answer_is_a_comment(talk: Talk) -> None:
    assert "CUST-1" in without(talk, *RUNS).ask("status")
    assert (talk.said(), len(talk.comments())) == ([], 1)
    assert not talk.team.vendors.plane.asked("POST", "/runs/")


def test_where_comments_are_closed_the_answer_is_on_the_run(talk: Talk) -> None:
    without(talk, *COMMENTS).write("status")
    talk.deliver()
    talk.work()
    assert [said["type"] for said in talk.said()] == ["thought", "response"]


def test_a_run_whose_comment_may_not_be_read_is_told_why(talk: Talk) -> None:
    without(talk, *COMMENTS).write("status")
    talk.deliver("agent_run_create")
    talk.work()
    (said,) = talk.said()
    assert (said["type"], COMMENTS[0] in said["content"]["body"].replace("\\", "")) == ("error", True)


def test_where_nothing_can_be_answered_nothing_is_done_and_nothing_is_asked(paired: Talk) -> None:
    without(paired, *RUNS, *COMMENTS).write("schedule tomorrow 10:00 for 2h")
    before = len(paired.team.vendors.plane.control.requests)
    paired.deliver()
    paired.work()
    assert Turn.objects.get().state == Turn.State.FAILED
    assert (len(paired.team.vendors.plane.control.requests), paired.team.blocks()) == (before, [])
