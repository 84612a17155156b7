"""Planhat's soft limit, and what its answers tell of it.

Source: Planhat API page and developer docs, "Authentication & limits": about 200 calls a minute, ``X-Rate-Limit-Limit``
and ``X-Rate-Limit-Remaining`` on every answer, no time of reset; the counter starts anew after 60 to 120 seconds.
"""

from __future__ import annotations

import httpx2

from planeapp.lib.budget import Allowance, Terms
from planeapp.providers.planhat.answers import retry_after

TERMS = Terms(limit=200, spare=10)
"""Ten are left to the customer's other integrations, which count against the same limit."""


def allowance(response: httpx2.Response) -> Allowance:
    """What an answer told about the limit."""
    remaining, limit = (_number(response, f"X-Rate-Limit-{name}") for name in ("Remaining", "Limit"))
    return Allowance(remaining, limit, retry_after(response), refused=response.status_code == 429)


def _number(response: httpx2.Response, header: str) -> int | None:
    value = response.headers.get(header, "")
    return int(value) if value.isascii() and value.isdigit() else None
