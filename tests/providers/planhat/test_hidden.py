"""The tenant id of the open endpoints is a secret: no credential goes with it, and nothing tells it."""

from __future__ import annotations

import logging

import pytest

from planeapp.lib.errors import FixSettings, GroundcrewError, OutcomeUnknown, OutOfQuota
from planeapp.providers.base import Access
from planeapp.providers.planhat.hidden import redacted
from planeapp.providers.planhat.resources import Api
from tests.providers.planhat.conftest import WORLD, MakeAccess
from tests.providers.planhat.served import Script

TENANT = WORLD.planhat_tenant
CALL = {"nr": "1", "externalUserId": "max123"}


def whole_story(error: BaseException | None) -> str:
    told = ""
    while error is not None:
        told += f"{error!r} {getattr(error, 'person', '')} {vars(error)} "
        error = error.__cause__ or error.__context__
    return told


def test_no_authorization_is_sent_to_the_open_endpoint(script: Script, told: Api) -> None:
    script.answers = [(200, "")]
    told.calls.create_open(TENANT, CALL)
    (seen,) = script.seen
    assert (seen.method, seen.path, seen.body) == ("POST", f"/{TENANT}/calls", CALL)
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("status", [0, 400, 401, 403, 404, 429, 500])
def test_no_error_of_the_open_endpoint_tells_the_tenant(script: Script, told: Api, status: int) -> None:
    script.answers = [(status, {"message": f"no tenant {TENANT}"})]
    with pytest.raises(GroundcrewError) as caught:
        told.calls.create_open(TENANT, CALL)
    assert TENANT not in whole_story(caught.value)


def test_the_kind_of_an_error_survives_the_hiding(script: Script, told: Api) -> None:
    script.answers = [(0, "{"), (429, "")]
    with pytest.raises(OutcomeUnknown) as lost:
        told.calls.create_open(TENANT, CALL)
    with pytest.raises(OutOfQuota) as late:
        told.calls.create_open(TENANT, CALL)
    assert "<tenant>/calls" in str(lost.value) and late.value.delay == 60.0


def test_a_server_that_cannot_be_reached_does_not_bring_the_tenant_into_the_error(access: MakeAccess) -> None:
    there = access()
    nowhere = Access(there.http, "http://127.0.0.1:1", there.token)
    with pytest.raises(GroundcrewError) as caught:
        Api(nowhere).calls.create_open(TENANT, CALL)
    assert TENANT not in whole_story(caught.value)


def test_no_log_line_tells_the_tenant(sandbox: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx2")
    sandbox.calls.create_open(TENANT, CALL)
    assert "/<tenant>/calls" in caplog.text
    assert TENANT not in caplog.text


def test_log_lines_of_other_requests_stay_as_they_are(sandbox: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="httpx2")
    sandbox.companies.page({"limit": 1})
    assert "/companies?limit=1" in caplog.text


def test_the_encoded_form_is_hidden_too() -> None:
    assert redacted("POST /a%2Fb/calls and a/b", "a/b") == "POST /<tenant>/calls and <tenant>"


def test_an_unknown_tenant_is_a_matter_of_settings(sandbox: Api) -> None:
    with pytest.raises(FixSettings) as caught:
        sandbox.calls.create_open("00000000-0000-0000-0000-000000000000", CALL)
    assert "tenant UUID" in caught.value.person
