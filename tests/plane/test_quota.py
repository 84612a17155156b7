from __future__ import annotations

import httpx2
import pytest
import time_machine

from planeapp.lib.budget import Allowance
from planeapp.plane.quota import allowance

NOW = 1_789_000_000


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (200, {"X-RateLimit-Remaining": "58", "X-RateLimit-Reset": str(NOW + 60)}, Allowance(58, None, 60.0)),
        (404, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW - 5)}, Allowance(0, None, 0.0)),
        (200, {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(NOW * 1000)}, Allowance(5, None, 3600.0)),
        (200, {"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "soon"}, Allowance()),
        (200, {"X-RateLimit-Remaining": "٣"}, Allowance()),
        (200, {}, Allowance()),
        (429, {"Retry-After": "17"}, Allowance(resets_in=17.0, refused=True)),
        (429, {}, Allowance(resets_in=60.0, refused=True)),
    ],
)
def test_answers_tell_what_is_left(status: int, headers: dict[str, str], told: Allowance) -> None:
    sent = {name.encode(): value.encode() for name, value in headers.items()}
    with time_machine.travel(NOW, tick=False):
        assert allowance(httpx2.Response(status, headers=list(sent.items()))) == told
