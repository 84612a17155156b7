"""Tokens, regions, permissions and limits."""

from __future__ import annotations

import base64

from tests.sandbox.planhat.conftest import Running


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_bearer_token_is_let_in_and_told_who_it_is(planhat: Running) -> None:
    profile = planhat.api.get("/myprofile")
    assert profile.status_code == 200
    assert profile.json()["email"] == "ada@sandbox.test"
    assert profile.json()["isMyProfile"] is True


def test_basic_needs_the_colon_after_the_token(planhat: Running) -> None:
    token = planhat.world.planhat_token
    assert planhat.client(Authorization=_basic(f"{token}:")).get("/myprofile").status_code == 200
    assert planhat.client(Authorization=_basic(token)).get("/myprofile").status_code == 401
    assert planhat.client(Authorization="Basic %%%").get("/myprofile").status_code == 401


def test_wrong_missing_and_disabled_tokens_get_401(planhat: Running) -> None:
    paused = planhat.token(active=False)
    for client in (planhat.client(), planhat.client(Authorization="Bearer wrong"), paused):
        assert client.get("/companies").status_code == 401


def test_a_good_token_is_refused_by_another_region(planhat: Running) -> None:
    elsewhere = {"Host": "api-us4.planhat.example"}
    assert planhat.api.get("/companies", headers=elsewhere).status_code == 401
    american = planhat.token(region="us4")
    assert american.get("/companies").status_code == 401
    assert american.get("/companies", headers=elsewhere).status_code == 200


def test_a_closed_model_is_refused_with_403_and_the_next_one_is_open(planhat: Running) -> None:
    client = planhat.token({"companies": ["view"]})
    refused = client.get("/issues")
    assert (refused.status_code, refused.json()) == (403, {"message": "Invalid or unauthorized model"})
    assert client.get("/companies").status_code == 200
    assert client.get("/leancompanies").status_code == 200


def test_each_action_on_a_model_is_permitted_on_its_own(planhat: Running) -> None:
    client = planhat.token({"companies": ["view"]})
    ident = planhat.company()["_id"]
    assert client.get(f"/companies/{ident}").status_code == 200
    assert client.post("/companies", json={"name": "New"}).status_code == 403
    assert client.put(f"/companies/{ident}", json={"phase": "x"}).status_code == 403
    assert client.delete(f"/companies/{ident}").status_code == 403
    assert planhat.company()["phase"] == "live"


def test_a_company_closed_to_a_token_is_neither_listed_nor_read(planhat: Running) -> None:
    closed = planhat.company("hooli")["_id"]
    client = planhat.token(denied=[closed])
    assert closed not in [row["_id"] for row in client.get("/companies").json()]
    assert client.get(f"/companies/{closed}").status_code == 403
    for named in (closed, "extid-hooli"):
        assert client.post("/issues", json={"title": "T", "companyIds": [named]}).status_code == 403


def test_every_answer_counts_down_the_quota(planhat: Running) -> None:
    first, second = planhat.api.get("/companies"), planhat.api.get("/companies/unknown")
    assert first.headers["X-Rate-Limit-Limit"] == "200"
    assert int(first.headers["X-Rate-Limit-Remaining"]) - int(second.headers["X-Rate-Limit-Remaining"]) == 1
    assert "X-Rate-Limit-Limit" in planhat.client().get("/companies").headers


def test_too_many_calls_get_429_without_retry_after_until_the_window_ends(planhat: Running) -> None:
    planhat.store.put("settings", "limits", {"calls": 2})
    assert [planhat.api.get("/myprofile").status_code for _ in range(3)] == [200, 200, 429]
    refused = planhat.api.get("/myprofile")
    assert refused.text == "Too many requests"
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    assert "Retry-After" not in refused.headers
    planhat.clock.advance(61)
    assert planhat.api.get("/myprofile").status_code == 200


def test_one_token_does_not_use_up_the_quota_of_another(planhat: Running) -> None:
    planhat.store.put("settings", "limits", {"calls": 1})
    other = planhat.token()
    assert [planhat.api.get("/companies").status_code for _ in range(2)] == [200, 429]
    assert other.get("/companies").status_code == 200


def test_the_two_hundred_and_first_call_is_the_first_refused(planhat: Running) -> None:
    planhat.store.put("settings", "limits", {"perSecond": 1000})
    statuses = [planhat.api.get("/companies?limit=1").status_code for _ in range(201)]
    assert statuses.index(429) == 200


def test_more_calls_a_second_than_the_hard_limit_are_refused(planhat: Running) -> None:
    planhat.clock.speed = 0.0
    planhat.store.put("settings", "limits", {"perSecond": 3})
    assert [planhat.api.get("/myprofile").status_code for _ in range(4)] == [200, 200, 200, 429]
    planhat.clock.advance(1)
    assert planhat.api.get("/myprofile").status_code == 200


def test_patch_and_unknown_paths_get_an_html_404(planhat: Running) -> None:
    for answer in (planhat.api.patch("/companies/1", json={}), planhat.api.get("/notes"), planhat.api.post("/tickets")):
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "Cannot" in answer.text


def test_broken_json_is_a_bad_request(planhat: Running) -> None:
    answer = planhat.api.post("/companies", content=b"{")
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
