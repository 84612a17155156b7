from __future__ import annotations

import httpx2
import pytest
import time_machine

from planeapp.lib.budget import Allowance
from planeapp.providers.planner.quota import allowance

NOW = 1_789_000_000


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (200, {}, Allowance()),
        (200, {"X-RateLimit-Limit": "120", "X-RateLimit-Remaining": "7"}, Allowance(7, 120)),
        (200, {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": str(NOW + 9)}, Allowance(7, None, 9.0)),
        (200, {"RateLimit-Limit": "50", "RateLimit-Remaining": "3", "RateLimit-Reset": "30"}, Allowance(3, 50, 30.0)),
        (200, {"RateLimit-Remaining": "r=50;w=30"}, Allowance()),
        (429, {"Retry-After": "8"}, Allowance(resets_in=8.0, refused=True)),
        (429, {}, Allowance(refused=True)),
    ],
)
def test_answers_tell_what_is_left_if_they_tell_it(status: int, headers: dict[str, str], told: Allowance) -> None:
    with time_machine.travel(NOW, tick=False):
        assert allowance(status, httpx2.Headers(headers)) == told
