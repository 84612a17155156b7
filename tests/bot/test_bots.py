"""Other bots are heard, and no two bots talk for ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from planeapp.bot import answering
from planeapp.bot.answering import CHAIN
from planeapp.installations.models import ProjectFacts
from planeapp.sandbox.plane import comments
from planeapp.sandbox.plane.html import mention, mentioned
from tests.vendors import Talk


@pytest.fixture
def robot(talk: Talk) -> dict[str, Any]:
    """A bot of another app, in the project. Plane tells of it as of anybody else."""
    rows, project = talk.rows, talk.team.project()
    pattern = rows.store.get("user", talk.bot)
    assert pattern is not None
    like = {name: value for name, value in pattern.items() if name not in ("id", "application")}
    made = rows.new("user", None, **like | {"display_name": "Robot", "email": "robot@bots.example"})
    rows.store.put("project", project["id"], project | {"members": {**project["members"], made["id"]: 15}})
    talk.behave(agent="off")
    return dict(made)


def write(talk: Talk, robot: dict[str, Any], times: int) -> None:
    for _ in range(times):
        html = f"<p>{mention(talk.bot)} status</p>"
        comments.add(talk.rows, talk.team.item(), robot, comment_html=html, parent=None)
        talk.deliver()
        talk.work()


def test_who_answers_every_answer_at_once_is_left_alone_after_a_while_and_others_are_not(
    talk: Talk, robot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "BURST", 4)
    write(talk, robot, 6)
    assert len(talk.answers()) == 4
    assert talk.ask("status", by="milo").startswith("CUST-1")


def test_a_bot_that_plane_tells_of_as_one_is_not_mentioned_and_left_alone_sooner(
    talk: Talk, robot: dict[str, Any]
) -> None:
    people = [talk.rows.store.get("user", key) or {} for key in talk.team.project()["members"]]
    members = [
        {
            "id": one["id"],
            "email": one["email"],
            "display_name": one["display_name"],
            "is_bot": one["id"] == robot["id"],
        }
        for one in people
    ]
    ProjectFacts.objects.create(
        installation=talk.installation, project_id=talk.team.project()["id"], name="members", rows=members,
        read_at=timezone.now(),
    )  # fmt: skip
    write(talk, robot, CHAIN + 1)
    assert len(talk.answers()) == CHAIN
    assert mentioned(talk.comments()[0]["comment_html"]) == []
