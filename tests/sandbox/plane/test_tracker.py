"""The tracker's pages as a browser without script uses them."""

from __future__ import annotations

import pytest

from planeapp.sandbox.plane import html, seed

from .conftest import Sandbox

MILO = {"Cookie": "sandbox_user=milo"}


def test_the_front_page_leads_to_the_projects_and_their_items(sandbox: Sandbox) -> None:
    answer = sandbox.http.get("/")
    assert answer.headers["location"] == "/sandbox/"
    page = sandbox.http.get("/sandbox/").text
    assert "Customer work" in page and "Integration lab" in page and "Sandbox Plane" in page
    listed = sandbox.http.get(f"/sandbox/projects/{sandbox.project()['id']}/issues/").text
    assert "Baggage belt 4 jams" in listed and "CUST-1" in listed


def test_the_picker_sets_the_cookie_and_goes_back_only_to_this_server(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/who/", data={"user": "olga", "next": "/other/"})
    assert answer.headers["location"] == "/other/" and "sandbox_user=olga" in answer.headers["set-cookie"]
    away = sandbox.http.post("/who/", data={"user": "olga", "next": "//evil.test/"})
    assert away.headers["location"] == "/"


def test_others_see_no_workspace_that_is_not_theirs(sandbox: Sandbox) -> None:
    for path in ("/sandbox/", "/sandbox/browse/CUST-1/", "/sandbox/settings/"):
        assert sandbox.http.get(path, headers={"Cookie": "sandbox_user=olga"}).status_code == 404


def test_a_guest_reads_but_does_not_write(sandbox: Sandbox) -> None:
    guest = {"Cookie": "sandbox_user=gus"}
    assert sandbox.http.get("/sandbox/browse/CUST-1/", headers=guest).status_code == 200
    assert sandbox.http.post("/sandbox/browse/CUST-1/", data={"name": "x"}, headers=guest).status_code == 403
    assert sandbox.http.post("/sandbox/browse/CUST-1/comments/", data={"text": "x"}, headers=guest).status_code == 403


def test_saving_the_form_changes_the_fields_that_differ(sandbox: Sandbox) -> None:
    form = {"name": "Belt 4", "description": "one\n\ntwo <b>", "priority": "low", "target_date": "2027-02-03"}
    assert sandbox.http.post("/sandbox/browse/CUST-1/", data=form).status_code == 303
    item = sandbox.item()
    assert (item["name"], item["priority"], item["target_date"]) == ("Belt 4", "low", "2027-02-03")
    paragraph = '<p class="editor-paragraph-block">'
    assert item["description_html"] == f"<div>{paragraph}one</p>{paragraph}two &lt;b&gt;</p></div>"


def test_dates_in_the_wrong_order_are_refused_in_words(sandbox: Sandbox) -> None:
    answer = sandbox.http.post(
        "/sandbox/browse/CUST-1/", data={"start_date": "2027-02-03", "target_date": "2027-02-01"}
    )
    assert answer.status_code == 400 and "Start date cannot exceed target date" in answer.text


def test_a_comment_without_script_carries_its_mention(sandbox: Sandbox) -> None:
    ada = sandbox.person("ada")["id"]
    form = {"text": "please <look>", "mention": ada}
    sandbox.http.post("/sandbox/browse/CUST-1/comments/", data=form, headers=MILO)
    row = sandbox.plane.store.all("comment")[-1]
    assert html.mentioned(row["comment_html"]) == [ada] and row["actor"] == sandbox.person("milo")["id"]
    assert "please &lt;look&gt;" in row["comment_html"]
    assert '<b class="mention">@ada</b> please &lt;look&gt;' in sandbox.http.get("/sandbox/browse/CUST-1/").text


def test_a_script_in_a_comment_is_kept_in_the_row_and_not_shown(sandbox: Sandbox) -> None:
    raw = "<p>x<script>alert(1)</script></p>"
    sandbox.http.post("/sandbox/browse/CUST-1/comments/", data={"comment_html": raw})
    assert sandbox.plane.store.all("comment")[-1]["comment_html"] == raw
    assert "alert(1)" not in sandbox.http.get("/sandbox/browse/CUST-1/comments/").text


def test_a_reply_to_a_reply_stays_in_the_same_thread(sandbox: Sandbox) -> None:
    path = "/sandbox/browse/CUST-1/comments/"
    first = sandbox.plane.store.all("comment")[0]["id"]
    sandbox.http.post(path, data={"text": "a reply", "parent": first})
    reply = sandbox.plane.store.all("comment")[-1]
    sandbox.http.post(path, data={"text": "another", "parent": reply["id"]})
    assert [row["parent"] for row in sandbox.plane.store.all("comment")] == [None, first, first]


def test_an_edit_in_the_page_sets_edited_at_and_a_delete_hides(sandbox: Sandbox) -> None:
    row = sandbox.plane.store.all("comment")[0]
    path = f"/sandbox/browse/CUST-1/comments/{row['id']}/"
    sandbox.http.post(path, data={"text": "changed"})
    assert row["edited_at"] and "changed" in row["comment_html"]
    sandbox.http.post(path, data={"action": "delete"})
    assert "changed" not in sandbox.http.get("/sandbox/browse/CUST-1/comments/").text


def test_an_archived_item_leaves_the_lists_and_comes_back(sandbox: Sandbox) -> None:
    listing = f"/sandbox/projects/{sandbox.project()['id']}/issues/"
    sandbox.http.post("/sandbox/browse/CUST-1/archive/")
    assert "CUST-1<" not in sandbox.http.get(listing).text
    sandbox.http.post("/sandbox/browse/CUST-1/archive/")
    assert "CUST-1<" in sandbox.http.get(listing).text


def test_a_deleted_item_is_gone(sandbox: Sandbox) -> None:
    assert sandbox.http.post("/sandbox/browse/CUST-1/delete/").status_code == 303
    assert sandbox.http.get("/sandbox/browse/CUST-1/").status_code == 404


def test_a_new_item_can_be_added(sandbox: Sandbox) -> None:
    listing = f"/sandbox/projects/{sandbox.project()['id']}/issues/"
    answer = sandbox.http.post(listing, data={"name": "Lost trolley"})
    assert answer.headers["location"] == "/sandbox/browse/CUST-8/"
    assert "Lost trolley" in sandbox.http.get("/sandbox/browse/CUST-8/").text


def test_the_marketplace_installs_through_the_app_and_uninstalls_here(sandbox: Sandbox, app_url: str) -> None:
    page = sandbox.http.get("/sandbox/settings/integrations/").text
    assert f'href="{app_url}/setup/"' in page and 'id="install"' in page and 'id="uninstall"' not in page
    installation = sandbox.install()
    assert 'id="uninstall"' in sandbox.http.get("/sandbox/marketplace/").text
    form = {"application": installation["application"]}
    assert sandbox.http.post("/sandbox/settings/integrations/", data=form, headers=MILO).status_code == 403
    sandbox.http.post("/sandbox/settings/integrations/", data=form)
    assert sandbox.plane.live("installation") == []


def test_no_page_asks_anything_of_another_host(sandbox: Sandbox) -> None:
    for path in ("/sandbox/", "/sandbox/browse/CUST-1/", "/who/", "/_static/plane.css", "/_static/plane.js"):
        answer = sandbox.http.get(path)
        assert answer.status_code == 200 and "https://" not in answer.text and "//fonts" not in answer.text


@pytest.mark.parametrize("path", ["/sandbox/nothing/here/", "/sandbox/browse/CUST-999/", "/sandbox/browse/what/"])
def test_an_unknown_address_is_a_page_that_says_what_to_do(sandbox: Sandbox, path: str) -> None:
    answer = sandbox.http.get(path)
    assert answer.status_code == 404 and "To the projects" in answer.text


def test_seeding_twice_changes_nothing(sandbox: Sandbox) -> None:
    before = len(sandbox.plane.store.all("work_item"))
    seed.seed(sandbox.plane)
    assert len(sandbox.plane.store.all("work_item")) == before == 11
