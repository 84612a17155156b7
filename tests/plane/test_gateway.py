"""The REST calls against the sandbox Plane over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planeapp.lib.errors import FixSettings, Gone, RetryLater
from planeapp.plane.gateway import SOURCE, Plane
from planeapp.plane.mentions import mention_html
from planeapp.sandbox.plane import work_items
from tests.plane.conftest import Sandbox

NOWHERE = "00000000-0000-0000-0000-000000000009"


def test_the_members_have_addresses_and_roles(plane: Plane) -> None:
    found = {member.display_name: (member.email, member.role) for member in plane.members()}
    assert found["ada"] == ("ada@sandbox.test", 20)
    assert found["gus"] == ("gus@sandbox.test", 5)


def test_project_members_are_found_without_roles(plane: Plane, project: str) -> None:
    assert {"ada@sandbox.test", "milo@sandbox.test"} <= {member.email for member in plane.project_members(project)}


def test_projects_states_and_labels_are_listed(plane: Plane, project: str) -> None:
    assert {row["identifier"] for row in plane.projects()} == {"CUST", "INTG"}
    assert plane.project(project)["identifier"] == "CUST"
    assert {row["group"] for row in plane.states(project)} >= {"backlog", "started", "completed"}
    assert {row["name"] for row in plane.labels(project)} == {"bug", "planhat"}


def test_a_label_is_made_once_whatever_its_letter_case(sandbox: Sandbox, plane: Plane, project: str) -> None:
    made = plane.ensure_label(project, "Acme")
    assert plane.ensure_label(project, " acme ")["id"] == made["id"]
    assert len(sandbox.requests("POST", "/labels/")) == 1


def test_a_label_that_somebody_made_meanwhile_is_adopted(sandbox: Sandbox, plane: Plane, project: str) -> None:
    made = plane.ensure_label(project, "Acme")
    sandbox.fault(method="GET", path="/labels/$", status=200, body='{"results": [], "next_page_results": false}')
    assert plane.ensure_label(project, "Acme")["id"] == made["id"]


def test_an_item_is_found_by_id_and_by_key(plane: Plane, project: str, item: str) -> None:
    found = plane.item(project, item)
    assert found
    assert plane.item_by_key(f"CUST-{found['sequence_id']}") == found


@pytest.mark.parametrize("key", ["CUST-99999", "CUST", "../CUST-1", "CUST-1/..", ""])
def test_a_key_that_names_nothing_gives_none(plane: Plane, key: str) -> None:
    assert plane.item_by_key(key) is None


def test_a_missing_item_is_none(plane: Plane, project: str) -> None:
    assert plane.item(project, NOWHERE) is None


def test_an_item_of_a_project_that_hides_from_the_bot_is_not_gone(sandbox: Sandbox, plane: Plane, project: str) -> None:
    sandbox.fault(
        path=f"/projects/{project}/", times=2, status=404, body='{"error": "The requested resource does not exist."}'
    )
    with pytest.raises(FixSettings) as refusal:
        plane.item(project, NOWHERE)
    assert refusal.value.code == "not_in_project"


def test_an_html_404_does_not_make_an_item_gone(sandbox: Sandbox, plane: Plane, project: str, item: str) -> None:
    sandbox.fault(path=f"/work-items/{item}/", status=404, body="<html>nothing here</html>")
    with pytest.raises(RetryLater):
        plane.item(project, item)


def test_another_workspace_is_closed(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refusal:
        sandbox.gateway(slug="other").projects()
    assert refusal.value.code == "permission"


def test_an_item_is_made_once_however_often_it_is_asked_for(sandbox: Sandbox, plane: Plane, project: str) -> None:
    first = plane.create_item(project, name="A", external_source=SOURCE, external_id="m1")
    again = plane.create_item(project, name="B", external_source=SOURCE, external_id="m1")
    assert (first.adopted, again.adopted) == (False, True)
    assert again.record["id"] == first.record["id"]
    assert again.record["name"] == "A"


def test_an_item_is_found_by_its_external_pair(plane: Plane, project: str) -> None:
    made = plane.create_item(project, name="A", external_source=SOURCE, external_id="m1").record
    found = plane.find_by_external(project, SOURCE, "m1")
    assert found
    assert found["id"] == made["id"]
    assert plane.find_by_external(project, SOURCE, "m2") is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, '{"error": "Something went wrong please try again later"}'),
        (200, '{"results": [], "next_page_results": false}'),
    ],
)
def test_a_lookup_that_fails_for_ever_is_replaced_by_reading(
    sandbox: Sandbox, plane: Plane, project: str, status: int, body: str
) -> None:
    made = plane.create_item(project, name="A", external_source=SOURCE, external_id="m1").record
    sandbox.fault(method="GET", path="/work-items/$", status=status, body=body)
    found = plane.find_by_external(project, SOURCE, "m1")
    assert found
    assert found["id"] == made["id"]


def test_fields_are_written_and_cleared(plane: Plane, project: str, item: str) -> None:
    plane.update_item(project, item, target_date="2027-01-15", assignees=[])
    saved = plane.update_item(project, item, start_date=None, target_date=None)
    assert (saved.record["start_date"], saved.record["target_date"], dict(saved.dropped)) == (None, None, {})


def test_a_misspelt_field_is_a_fault_of_ours(plane: Plane, project: str, item: str) -> None:
    with pytest.raises(TypeError, match="targetdate"):
        plane.update_item(project, item, targetdate="2027-01-15")


def test_what_plane_drops_in_silence_is_named(sandbox: Sandbox, plane: Plane, project: str, item: str) -> None:
    lab = sandbox.row("project", identifier="INTG")["id"]
    foreign, own = sandbox.row("label", project=lab)["id"], sandbox.row("label", project=project)["id"]
    saved = plane.update_item(project, item, labels=[own, foreign])
    assert saved.record["labels"] == [own]
    assert saved.dropped == {"labels": [foreign]}


def test_a_server_that_ignores_state_gets_it_by_its_other_name(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    old = plane.item(project, item) or {}
    done = sandbox.row("state", project=project, group="completed")["id"]
    sandbox.fault(
        method="PATCH", path="/work-items/", status=200, body=f'{{"id": "{item}", "state": "{old["state"]}"}}'
    )
    saved = plane.update_item(project, item, state=done)
    assert '"state_id"' in sandbox.requests("PATCH", "/work-items/")[-1]["body"]
    assert saved.dropped == {"state": done}


def test_refused_values_come_with_planes_own_words(plane: Plane, project: str, item: str) -> None:
    with pytest.raises(FixSettings) as refusal:
        plane.update_item(project, item, start_date="2027-02-01", target_date="2027-01-01")
    assert "Start date cannot exceed target date" in refusal.value.person


def test_every_item_is_listed_once_over_pages(sandbox: Sandbox, plane: Plane, project: str) -> None:
    place, person = sandbox.row("project", id=project), sandbox.row("user", display_name="ada")
    for number in range(120):
        work_items.create(sandbox.plane, place, person, {"name": f"n{number}"})
    rows = plane.items(project)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids)) == len(sandbox.plane.live("work_item", project=project))
    assert rows.complete


def test_newest_first_ends_at_what_was_seen_before(plane: Plane, project: str) -> None:
    made = plane.create_item(project, name="fresh").record["id"]
    assert next(iter(plane.items(project, newest_first=True)))["id"] == made
    assert list(plane.items(project, since=datetime.now(UTC) + timedelta(minutes=1))) == []


def test_search_finds_by_words_over_the_workspace(plane: Plane) -> None:
    assert [row["project__identifier"] for row in plane.search("flight feed")] == ["INTG"]
    assert plane.search("  ") == []


def test_a_comment_is_written_once_however_often_it_is_asked_for(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    first = plane.add_comment(project, item, "<p>hello</p>", "reply:1")
    assert plane.add_comment(project, item, "<p>hello</p>", "reply:1")["id"] == first["id"]
    assert len(sandbox.requests("POST", "/comments/")) == 1
    assert (first["external_source"], first["external_id"]) == (SOURCE, "reply:1")


def test_a_comment_whose_answer_was_lost_is_found_again(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    sandbox.fault(method="POST", path="/comments/", status=502, body="<html>bad gateway</html>", after=True)
    with pytest.raises(RetryLater):
        plane.add_comment(project, item, "<p>hello</p>", "reply:1")
    plane.add_comment(project, item, "<p>hello</p>", "reply:1")
    assert len(sandbox.plane.live("comment", external_id="reply:1")) == 1


def test_a_comment_that_the_list_does_not_show_yet_is_adopted(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    first = plane.add_comment(project, item, "<p>hello</p>", "reply:1")
    sandbox.fault(method="GET", path="/comments/$", status=200, body='{"results": [], "next_page_results": false}')
    assert plane.add_comment(project, item, "<p>hello</p>", "reply:1")["id"] == first["id"]


def test_a_comment_of_ours_is_given_another_text_by_its_mark_or_its_id(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    made = plane.add_comment(project, item, "<p>one</p>", "card:1")
    assert plane.edit_comment(project, item, "<p>two</p>", "card:1")
    assert sandbox.row("comment", id=made["id"])["comment_html"] == "<p>two</p>"
    before = len(sandbox.requests("GET", "/comments/"))
    assert plane.edit_comment(project, item, "<p>three</p>", "card:1", comment=made["id"])
    assert sandbox.row("comment", id=made["id"])["comment_html"] == "<p>three</p>"
    assert len(sandbox.requests("GET", "/comments/")) == before


def test_a_comment_that_somebody_deleted_is_not_made_anew_by_an_edit(
    sandbox: Sandbox, plane: Plane, project: str, item: str
) -> None:
    assert plane.edit_comment(project, item, "<p>two</p>", "card:1") is None
    assert plane.edit_comment(project, item, "<p>two</p>", "card:1", comment=NOWHERE) is None
    assert not sandbox.plane.live("comment", external_id="card:1")
    with pytest.raises(FixSettings):
        plane.edit_comment(NOWHERE, item, "<p>two</p>", "card:1", comment=NOWHERE)


def test_a_mention_survives_in_a_written_comment(plane: Plane, project: str, item: str) -> None:
    html = f"<p>{mention_html('u-1')} done</p>"
    made = plane.add_comment(project, item, html, "reply:2")
    found = plane.comment(project, item, made["id"])
    assert found
    assert found["comment_html"] == html
    assert plane.comment(project, item, NOWHERE) is None


def test_comments_come_newest_first(plane: Plane, project: str, item: str) -> None:
    made = plane.add_comment(project, item, "<p>newest</p>", "reply:3")
    assert [row["id"] for row in plane.comments(project, item)][0] == made["id"]


def test_a_link_is_made_once(plane: Plane, project: str, item: str) -> None:
    first = plane.ensure_link(project, item, "https://get-planner.example/b/1", "Block")
    assert plane.ensure_link(project, item, "https://get-planner.example/b/1", "Block")["id"] == first["id"]
    assert [row["url"] for row in plane.links(project, item)] == ["https://get-planner.example/b/1"]


def test_a_link_that_plane_refuses_stays_refused(plane: Plane, project: str, item: str) -> None:
    with pytest.raises(FixSettings) as refusal:
        plane.ensure_link(project, item, "javascript:alert(1)", "x")
    assert "Invalid URL format" in str(refusal.value)


def test_a_project_that_is_not_there_is_gone(plane: Plane) -> None:
    with pytest.raises(Gone):
        plane.project("")
