"""The part of the limits that a polite client never meets."""

from __future__ import annotations

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.limits import Limits
from planeapp.sandbox.store import Store


def test_fifty_calls_may_run_at_once_and_no_more() -> None:
    limits = Limits(Store(), Clock())
    assert all(limits.enter("token")[0] for _ in range(50))
    assert limits.enter("token")[0] is False
    limits.leave("token")
    limits.leave("token")
    assert limits.enter("token")[0] is True


def test_the_window_starts_with_the_first_call_after_the_last_one_ended() -> None:
    clock = Clock(speed=0.0)
    limits = Limits(Store(), clock)
    limits.enter("token")
    clock.advance(59.5)
    assert limits.enter("token")[1]["X-Rate-Limit-Remaining"] == "198"
    clock.advance(1)
    assert limits.enter("token")[1]["X-Rate-Limit-Remaining"] == "199"
