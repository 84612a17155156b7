"""Issues: links to companies and what follows from them."""

from __future__ import annotations

from typing import Any

from tests.sandbox.planhat.conftest import Running


def _issue(planhat: Running, **more: Any) -> dict[str, Any]:
    body = {"title": "[ABC-1] Gate display", "sourceId": "plane:w:1", **more}
    made: dict[str, Any] = planhat.api.post("/issues", json=body).json()
    return made


def test_an_issue_carries_the_names_and_the_worth_of_its_companies(planhat: Running) -> None:
    acme, globex = planhat.company(), planhat.company("globex")
    made = _issue(planhat, companyIds=[acme["_id"], "extid-globex"])
    assert made["companyIds"] == [acme["_id"], globex["_id"]]
    assert made["companies"] == [{"id": acme["_id"], "name": "Acme Air"}, {"id": globex["_id"], "name": "Globex Cargo"}]
    assert (made["arrCombined"], made["mrrCombined"]) == (204000, 17000)


def test_a_write_of_company_ids_replaces_the_whole_list(planhat: Running) -> None:
    made = _issue(planhat, companyIds=["extid-acme", "extid-globex"])
    after = planhat.api.put(f"/issues/{made['_id']}", json={"companyIds": ["extid-initech"]}).json()
    assert [company["name"] for company in after["companies"]] == ["Initech"]


def test_issues_of_one_company_are_listed(planhat: Running) -> None:
    made = _issue(planhat, companyIds=["extid-acme"])
    acme, globex = planhat.company()["_id"], planhat.company("globex")["_id"]
    assert [row["_id"] for row in planhat.api.get(f"/issues?companyId={acme}").json()] == [made["_id"]]
    assert planhat.api.get(f"/issues?companyId={globex}").json() == []


def test_contacts_are_named_on_the_issue(planhat: Running) -> None:
    made = _issue(planhat, enduserIds=["extid-contact-1"])
    assert [person["name"] for person in made["endusers"]] == ["Jo Berg"]


def test_a_deleted_company_stays_in_the_ids_and_leaves_the_worth(planhat: Running) -> None:
    acme = planhat.company()["_id"]
    made = _issue(planhat, companyIds=[acme])
    planhat.api.delete(f"/companies/{acme}")
    after = planhat.api.get(f"/issues/{made['_id']}").json()
    assert (after["companyIds"], after["companies"], after["arrCombined"]) == ([acme], [], 0)


def test_an_issue_is_found_by_its_source_id_archived_and_deleted(planhat: Running) -> None:
    made = _issue(planhat)
    path = "/issues/srcid-plane%3Aw%3A1"
    assert planhat.api.put(path, json={"archived": True}).json()["archived"] is True
    assert planhat.api.get(path).json()["_id"] == made["_id"]
    assert planhat.api.delete(f"/issues/{made['_id']}").json()["deletedCount"] == 1


def test_an_unknown_status_is_kept_and_an_impossible_company_refused(planhat: Running) -> None:
    assert _issue(planhat, status="Sömething else")["status"] == "Sömething else"
    refused = planhat.api.post("/issues", json={"title": "T", "companyIds": ["acme"]})
    assert (refused.status_code, "ObjectId" in refused.json()["message"]) == (400, True)


def test_rich_text_comes_back_as_the_editor_keeps_it(planhat: Running) -> None:
    made = _issue(
        planhat, description="<h1>Big</h1>\n<div style='x'><p>One</p></div><ul><li>two</li></ul><script>x</script>"
    )
    assert made["description"] == 'Big <p>One</p><ul class="ph-editor__ul"><li class="ph-editor__li">two</li></ul>'
