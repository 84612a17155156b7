"""What Planner's answers tell of its limit on calls.

Planner documents none. ``X-RateLimit-*`` (and the draft standard's ``RateLimit-*``) are understood if they come, else the
first 429 teaches the limit; its ``Retry-After`` is obeyed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from planeapp.lib.budget import Allowance
from planeapp.providers.planner.answers import delay_from

PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
EPOCH = 1_000_000_000


def allowance(status: int, headers: Mapping[str, str]) -> Allowance:
    """What an answer told about the limit. ``headers`` are looked up in lower case."""
    if status == 429:
        return Allowance(resets_in=delay_from(headers), refused=True)
    remaining, limit, reset = (_number(headers, name) for name in ("remaining", "limit", "reset"))
    resets_in = None if reset is None else max(reset - time.time(), 0.0) if reset > EPOCH else float(reset)
    return Allowance(remaining, limit, resets_in)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    told = next((headers[prefix + name] for prefix in PREFIXES if prefix + name in headers), "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 12 else None
