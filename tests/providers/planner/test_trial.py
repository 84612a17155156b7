from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, OutcomeUnknown, ReconnectNeeded
from planeapp.providers.planner.provider import Planner
from planeapp.providers.planner.template import DEFAULT
from planeapp.sandbox.planner.seed import READ_TOKEN
from tests.providers.planner.conftest import Sandbox, Tokens

PLACE, ADDRESS = "prj_ramp", "/v1/connectors/actions/blocks"


def planner(sandbox: Sandbox, **settings: Any) -> Planner:
    return Planner(sandbox.access(settings=settings))


def test_a_test_block_is_unmistakable_lies_ahead_and_is_told_with_its_id(sandbox: Sandbox) -> None:
    said = planner(sandbox).try_out(PLACE)
    block = sandbox.store.all("blocks")[-1]
    day = date.today() + timedelta(days=30)
    assert (block["title"], block["start"], block["project_id"]) == (
        "Groundcrew test - please delete", day.isoformat(), PLACE,
    )  # fmt: skip
    assert block["id"] in said and f"{day.day} {day:%B %Y}" in said and "delete it" in said
    assert block["external_id"] is None and "Plane ref" not in block["notes"]


def test_two_test_blocks_are_two_blocks(sandbox: Sandbox) -> None:
    before = len(sandbox.store.all("blocks"))
    for _ in range(2):
        planner(sandbox).try_out(PLACE)
    assert len(sandbox.store.all("blocks")) == before + 2


def test_a_refusal_shows_planner_s_own_answer_beside_the_template_s_line(sandbox: Sandbox) -> None:
    before = sandbox.store.all("blocks")
    wrong = planner(sandbox, template={**DEFAULT, "startDate": "{{title}}", "colour": "red"})
    with pytest.raises(FixSettings) as refused:
        wrong.try_out(PLACE)
    assert "Planner answered 422:" in refused.value.person and '"errors"' in refused.value.person
    assert "colour: Extra inputs are not permitted (template: colour = red)" in refused.value.person
    assert sandbox.store.all("blocks") == before
    with pytest.raises(FixSettings) as refused:
        planner(sandbox, template={"projectId": "{{project}}", "startDate": "{{start|date}}"}).try_out(PLACE)
    assert "title: is required (not in the template)" in refused.value.person


def test_a_long_answer_is_cut_and_secrets_are_hidden(sandbox: Sandbox) -> None:
    body = '{"message": "no plr_pat_pat_x.secret", "more": "' + "é" * 6000 + '"}'
    sandbox.fault(method="POST", path=ADDRESS, status=400, body=body)
    with pytest.raises(FixSettings) as refused:
        planner(sandbox).try_out(PLACE)
    assert "x.secret" not in refused.value.person and "[hidden]" in refused.value.person
    assert len(refused.value.person.encode()) < 5500 and refused.value.person.endswith("…")


def test_a_template_that_cannot_work_is_refused_before_anything_is_sent(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refused:
        planner(sandbox, template={"a": "{{colour}}"}).try_out(PLACE)
    assert "colour" in refused.value.person and sandbox.requests() == []


def test_a_lost_answer_sends_the_admin_to_look(sandbox: Sandbox) -> None:
    sandbox.fault(method="POST", path=ADDRESS, after=True, drop=True)
    with pytest.raises(OutcomeUnknown) as lost:
        planner(sandbox).try_out(PLACE)
    assert "Look in Planner for a block “Groundcrew test - please delete”" in lost.value.person


def test_an_answer_without_an_id_counts_as_made(sandbox: Sandbox) -> None:
    for body in ("", "<p>ok</p>", "{}", "[]"):
        sandbox.fault(method="POST", path=ADDRESS, status=202, body=body)
        assert "did not tell its id" in planner(sandbox).try_out(PLACE)


def test_a_token_without_the_scope_is_told_so(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refused:
        Planner(sandbox.access(Tokens({"api": READ_TOKEN}))).try_out(PLACE)
    assert "blocks:write" in refused.value.person and "Planner answered 403:" in refused.value.person


def test_a_refused_token_needs_a_person(sandbox: Sandbox) -> None:
    with pytest.raises(ReconnectNeeded):
        Planner(sandbox.access(Tokens({"api": "plr_pat_pat_wrong.secret"}))).try_out(PLACE)


def test_a_connection_without_an_api_token_has_no_try_out(sandbox: Sandbox) -> None:
    with pytest.raises(FixSettings) as refused:
        Planner(sandbox.access(Tokens({"oauth": "x"}), settings={"slots": ["oauth"]})).try_out(PLACE)
    assert refused.value.code == "not_offered"
