from __future__ import annotations

import httpx2
import pytest

from planeapp.lib.budget import Allowance
from planeapp.providers.planhat.quota import allowance


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (200, {"X-Rate-Limit-Limit": "200", "X-Rate-Limit-Remaining": "9"}, Allowance(9, 200)),
        (500, {"X-Rate-Limit-Limit": "many", "X-Rate-Limit-Remaining": "-1"}, Allowance()),
        (429, {"X-Rate-Limit-Limit": "200", "X-Rate-Limit-Remaining": "0"}, Allowance(0, 200, refused=True)),
        (429, {"Retry-After": "30"}, Allowance(resets_in=30.0, refused=True)),
        (200, {}, Allowance()),
    ],
)
def test_answers_tell_what_is_left(status: int, headers: dict[str, str], told: Allowance) -> None:
    assert allowance(httpx2.Response(status, headers=headers)) == told
