"""Adding to work items, against the sandbox over HTTP."""

from __future__ import annotations

import pytest

from planeapp.lib.errors import Gone
from planeapp.plane.adding import add_label, add_person, member_id
from planeapp.plane.side import PlaneSide
from planeapp.sandbox.plane import things
from tests.plane.conftest import Sandbox


def labels(sandbox: Sandbox, item: str) -> list[str]:
    return [sandbox.row("label", id=label)["name"] for label in sandbox.row("work_item", id=item)["labels"]]


def test_a_label_is_added_once_and_made_when_it_is_missing(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:
    assert add_label(side, project, item, "Gold")
    assert not add_label(side, project, item, "GOLD")
    assert labels(sandbox, item) == ["bug", "Gold"] and len(sandbox.requests("PATCH")) == 1


def test_a_label_that_was_made_a_moment_ago_is_not_taken_away(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:
    side.get(project, item)
    ada, row = sandbox.row("user", display_name="ada"), sandbox.row("work_item", id=item)
    new = things.add_label(sandbox.plane, sandbox.row("project", id=project), ada, name="new", color="#000000")
    sandbox.plane.store.put("work_item", item, row | {"labels": [*row["labels"], new["id"]]})
    add_label(side, project, item, "planhat")
    assert labels(sandbox, item) == ["bug", "new", "planhat"]


def test_a_label_that_was_deleted_since_we_asked_is_made_anew(
    sandbox: Sandbox, side: PlaneSide, project: str, item: str
) -> None:
    add_label(side, project, item, "Gold")
    row = sandbox.row("work_item", id=item)
    sandbox.plane.store.put("work_item", item, row | {"labels": row["labels"][:1]})
    sandbox.plane.store.delete("label", sandbox.row("label", project=project, name="Gold")["id"])
    assert add_label(side, project, item, "Gold")
    assert labels(sandbox, item) == ["bug", "Gold"]


def test_somebody_is_assigned_beside_who_is_there(sandbox: Sandbox, side: PlaneSide, project: str, item: str) -> None:
    assert add_person(side, project, item, "ADA@sandbox.test") and add_person(side, project, item, "ada@sandbox.test")
    names = [sandbox.row("user", id=user)["display_name"] for user in sandbox.row("work_item", id=item)["assignees"]]
    assert names == ["milo", "ada"] and len(sandbox.requests("PATCH")) == 1


@pytest.mark.parametrize("email", ["nobody@sandbox.test", "gus@sandbox.test", ""])
def test_strangers_and_guests_cannot_be_assigned(side: PlaneSide, project: str, item: str, email: str) -> None:
    assert not add_person(side, project, item, email)


def test_who_was_let_in_just_now_is_known(sandbox: Sandbox, side: PlaneSide, project: str) -> None:
    side.members(project)
    side.about._asked.clear()  # more than a minute ago
    olga, row = sandbox.row("user", display_name="olga"), sandbox.row("project", id=project)
    sandbox.plane.store.put("project", project, row | {"members": row["members"] | {olga["id"]: 15}})
    assert member_id(side, project, "olga@sandbox.test") == olga["id"]


def test_a_work_item_that_is_gone_is_said_to_be(side: PlaneSide, project: str) -> None:
    nowhere = "00000000-0000-0000-0000-000000000009"
    with pytest.raises(Gone):
        add_label(side, project, nowhere, "Gold")
    with pytest.raises(Gone):
        add_person(side, project, nowhere, "ada@sandbox.test")
