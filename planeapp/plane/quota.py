"""Plane's limit on calls, and what its answers tell of it.

Source: Plane developer docs, "API reference / Introduction / Rate limiting": 60 a minute, ``X-RateLimit-Remaining`` and
``X-RateLimit-Reset`` (epoch seconds) on answers that were allowed; Community Edition 1.3: ``Retry-After`` with a 429.
"""

from __future__ import annotations

import time

import httpx2

from planeapp.lib.budget import Allowance, Terms
from planeapp.plane.answers import LONGEST_WAIT, QUOTA_SECONDS, wait_seconds

TERMS = Terms(limit=60)


def allowance(response: httpx2.Response) -> Allowance:
    """What an answer told about the limit."""
    if response.status_code == 429:
        return Allowance(resets_in=wait_seconds(response, QUOTA_SECONDS), refused=True)
    reset = _number(response.headers.get("x-ratelimit-reset"))
    left = None if reset is None else min(max(reset - time.time(), 0.0), LONGEST_WAIT)
    return Allowance(_number(response.headers.get("x-ratelimit-remaining")), resets_in=left)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None
