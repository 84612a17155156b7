"""Sixty calls a minute and token."""

from __future__ import annotations

from .conftest import Sandbox


def test_the_sixty_first_call_in_a_minute_is_refused_and_the_window_slides(sandbox: Sandbox) -> None:
    sandbox.plane.clock.speed = 0
    with sandbox.person_api("ada") as ada, sandbox.person_api("milo") as milo:
        left = [ada.get("members/").headers["x-ratelimit-remaining"] for _ in range(60)]
        assert left[0] == "59" and left[-1] == "0"
        refused = ada.get("members/")
        assert refused.status_code == 429 and refused.headers["retry-after"] == "60"
        assert refused.json() == {"error_code": 5900, "error_message": "RATE_LIMIT_EXCEEDED"}
        assert "x-ratelimit-remaining" not in refused.headers
        assert milo.get("members/").status_code == 200
        sandbox.plane.clock.advance(61)
        assert ada.get("members/").status_code == 200


def test_the_reset_is_always_a_minute_from_now(sandbox: Sandbox) -> None:
    sandbox.plane.clock.speed = 0
    with sandbox.person_api("ada") as ada:
        ada.get("members/")
        sandbox.plane.clock.advance(30)
        reset = int(ada.get("members/").headers["x-ratelimit-reset"])
    assert reset == int(sandbox.plane.clock.time() + 60)


def test_the_number_can_be_set_on_the_settings_page(sandbox: Sandbox) -> None:
    sandbox.http.post("/sandbox/settings/", data={"per_minute": "2", "format": "both"})
    with sandbox.person_api("ada") as ada:
        assert [ada.get("members/").status_code for _ in range(3)] == [200, 200, 429]
    assert sandbox.plane.setting("webhooks") == {"format": "both", "agent": "flat", "prompt": "text"}


def test_a_member_may_not_change_the_settings(sandbox: Sandbox) -> None:
    answer = sandbox.http.post("/sandbox/settings/", data={"per_minute": "2"}, headers={"Cookie": "sandbox_user=milo"})
    assert answer.status_code == 403 and sandbox.plane.setting("limits") == {"per_minute": 60}
