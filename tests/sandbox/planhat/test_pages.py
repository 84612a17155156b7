"""The pages, read as a browser without script would read them."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from tests.sandbox.planhat.conftest import Running


def _page(planhat: Running, path: str) -> LexborHTMLParser:
    answer = planhat.client().get(path)
    assert answer.status_code == 200
    return LexborHTMLParser(answer.text)


def _texts(page: LexborHTMLParser, selector: str) -> list[str]:
    return [node.text(strip=True) for node in page.css(selector)]


def test_the_list_shows_every_company_and_the_banner(planhat: Running) -> None:
    page = _page(planhat, "/")
    names = _texts(page, "a.company")
    assert (len(names), names.count("Northwind")) == (14, 2)
    assert "Sandbox Planhat" in _texts(page, ".banner")[0]


def test_the_search_looks_at_names_domains_tags_and_phases(planhat: Running) -> None:
    assert _texts(_page(planhat, "/?q=GLOBEX"), "a.company") == ["Globex Cargo"]
    assert _texts(_page(planhat, "/?q=gold+west"), "a.company") == ["Hooli"]
    assert _texts(_page(planhat, "/?q=nothing"), "a.company") == []


def test_no_page_asks_anything_of_another_host(planhat: Running) -> None:
    for path in ("/", f"/company/{planhat.company()['_id']}", "/settings/"):
        page = _page(planhat, path)
        sources = [node.attributes.get("src") or node.attributes.get("href") for node in page.css("script, link, img")]
        assert sources
        assert all(source and source.startswith("/static/") for source in sources)
        assert all(planhat.client().get(str(source)).status_code == 200 for source in sources)


def test_linked_open_work_is_shown_with_its_link_status_and_priority(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    base = {"companyIds": [ident], "sourceUrl": "http://localhost:8001/i/1", "status": "In Progress"}
    planhat.api.put(
        "/issues",
        json=[
            base | {"sourceId": "1", "title": "[ABC-1] Gate", "priority": "low"},
            base | {"sourceId": "2", "title": "[ABC-2] Belt", "priority": "urgent"},
            base | {"sourceId": "3", "title": "[ABC-3] Old", "archived": True},
            base | {"sourceId": "4", "title": "[ABC-4] Ready", "status": "Done"},
        ],
    )
    page = _page(planhat, f"/company/{ident}")
    assert _texts(page, "#issues .issue .title a") == ["[ABC-2] Belt", "[ABC-1] Gate"]
    assert page.css("#issues .issue a")[0].attributes["href"] == "http://localhost:8001/i/1"
    assert _texts(page, "#issues .priority") == ["urgent", "low"]
    assert _texts(page, "#issues .status") == ["In Progress", "In Progress"]


def test_the_live_part_is_a_fragment_with_the_same_issues(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    planhat.api.post("/issues", json={"title": "<b>Bold</b>", "companyIds": [ident]})
    whole, part = _page(planhat, f"/company/{ident}"), _page(planhat, f"/company/{ident}/live")
    assert whole.css("[data-refresh]")[0].attributes["data-refresh"] == f"/company/{ident}/live"
    assert _texts(part, "#issues .issue .title") == _texts(whole, "#issues .issue .title") == ["<b>Bold</b>"]
    assert part.css("header") == []


def test_contacts_calls_and_notes_are_on_the_company_page(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    planhat.api.post("/calls", json={"nr": "+46701234567", "externalUserId": "max", "start": "2026-10-17T14:00:00Z"})
    planhat.api.post("/conversations", json={"companyId": ident, "type": "note", "subject": "Shipped"})
    page = _page(planhat, f"/company/{ident}")
    assert len(page.css("#contacts .contact")) == 2
    assert "2026-10-17 14:00" in _texts(page, "#calls .call")[0]
    assert "Shipped" in _texts(page, "#notes .note")[0]


def test_custom_values_are_shown_only_when_their_field_is_defined(planhat: Running) -> None:
    planhat.api.put("/companies/extid-acme", json={"custom": {"Plan": "Pro", "Undefined": "x"}})
    assert _texts(_page(planhat, f"/company/{planhat.company()['_id']}"), ".custom dt") == ["Plan"]


def test_the_form_changes_phase_health_tags_and_owner(planhat: Running) -> None:
    ident, bo = planhat.company()["_id"], planhat.api.get("/users?email=bo@sandbox.test").json()[0]["_id"]
    form = {"phase": "renewal", "h": "3", "tags": "gold, late", "owner": bo}
    assert planhat.client().post(f"/company/{ident}", data=form).status_code == 303
    after = planhat.company()
    assert (after["phase"], after["h"], after["tags"], after["owner"]) == ("renewal", 3, ["gold", "late"], bo)
    assert _page(planhat, f"/company/{ident}").css_first("form#company-form") is not None


def test_the_form_may_change_what_the_api_may_not(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    form = {"name": "Acme", "arr": "24000", "renewalDate": "2027-01-31", "domains": "acme.example"}
    planhat.client().post(f"/company/{ident}", data=form)
    after = planhat.company()
    assert (after["name"], after["arr"], after["mrr"], after["domains"]) == ("Acme", 24000, 2000, ["acme.example"])
    assert after["renewalDate"] == "2027-01-31T00:00:00.000Z"


def test_a_wrong_health_is_refused_with_advice_and_changes_nothing(planhat: Running) -> None:
    ident = planhat.company()["_id"]
    for health in ("eleven", "11"):
        answer = planhat.client().post(f"/company/{ident}", data={"h": health})
        assert (answer.status_code, "Go back" in answer.text) == (400, True)
    assert planhat.company()["h"] == 8


def test_a_company_that_is_not_there_gets_a_page_that_says_so(planhat: Running) -> None:
    answer = planhat.client().get("/company/0123456789abcdef01234567")
    assert (answer.status_code, "no such company" in answer.text) == (404, True)


def test_a_new_company_is_made_from_the_list(planhat: Running) -> None:
    answer = planhat.client().post("/", data={"name": "Oceanic"})
    assert (answer.status_code, answer.headers["location"][:9]) == (303, "/company/")
    assert _texts(_page(planhat, "/?q=oceanic"), "a.company") == ["Oceanic"]


def test_the_settings_show_token_tenant_and_region(planhat: Running) -> None:
    page = _page(planhat, "/settings/")
    assert page.css("#token")[0].attributes["value"] == planhat.world.planhat_token
    assert page.css("#tenant-uuid")[0].attributes["value"] == planhat.world.planhat_tenant
    assert "region" in (page.body.text() if page.body else "")


def test_automations_are_listed_and_removed(planhat: Running) -> None:
    planhat.client().post("/settings/automations", data={"url": "http://localhost:8000/hook", "secret": "s"})
    ident = planhat.store.all("automations")[0]["_id"]
    assert len(_page(planhat, "/settings/").css(".automation")) == 1
    planhat.client().post(f"/settings/automations/{ident}/delete")
    assert _page(planhat, "/settings/").css(".automation") == []


def test_a_private_app_gets_the_rights_of_the_form(planhat: Running) -> None:
    form = {"name": "Small", "token": "small", "companies": "view", "issues": "all"}
    planhat.client().post("/settings/tokens", data=form)
    small = planhat.client(Authorization="Bearer small")
    assert small.get("/companies").status_code == 200
    assert small.post("/companies", json={"name": "X"}).status_code == 403
    assert small.post("/issues", json={"title": "X"}).status_code == 200
    assert small.get("/endusers").status_code == 403
    ident = planhat.store.find("tokens", token="small")[0]["_id"]
    planhat.client().post(f"/settings/tokens/{ident}/delete")
    assert small.get("/companies").status_code == 401


def test_the_limits_are_set_on_the_settings_page(planhat: Running) -> None:
    assert planhat.client().post("/settings/limits", data={"calls": "7"}).status_code == 303
    assert planhat.api.get("/companies").headers["X-Rate-Limit-Limit"] == "7"
    assert planhat.client().post("/settings/limits", data={"calls": "none"}).status_code == 400
