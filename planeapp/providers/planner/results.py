"""What a tool's answer means: its content, or the error that an ``isError`` result tells in words."""

from __future__ import annotations

import re
from typing import Any

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown, OutOfQuota, RetryLater
from planeapp.providers.planner.answers import short
from planeapp.providers.planner.reading import data_of
from planeapp.providers.planner.wire import CallResult

GONE = re.compile(
    r"not found|no such|does(n't| not) exist|there is no (block|item|event|entry)|unknown (block|item|event|entry)|"
    r"(has been|was|already) (deleted|removed|archived)",
    re.IGNORECASE,
)
QUOTA = re.compile(r"rate limit|too many requests|quota", re.IGNORECASE)
UNCLEAR = re.compile(r"internal (server )?error|timed? ?out|try again|temporar|unavailable", re.IGNORECASE)


def content(result: CallResult, where: str, *, writes: bool) -> Any:
    """The answer's data, or the error that it tells raised as one of ours."""
    data = data_of(result.structured, result.texts)
    if result.is_error:
        raise told(data if isinstance(data, str) else " ".join(result.texts) or str(data), where, writes=writes)
    return data


def told(text: str, where: str, *, writes: bool) -> GroundcrewError:
    """The error that a tool tells in its own words."""
    said = short(text) or "no reason given"
    detail = f"{where}: {said}"
    if GONE.search(said):
        return Gone(detail)
    if QUOTA.search(said):
        return OutOfQuota(detail)
    if UNCLEAR.search(said):
        return OutcomeUnknown(detail) if writes else RetryLater(detail)
    return FixSettings(detail, person=f"Planner does not accept this: {said}")
