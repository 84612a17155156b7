"""Plane's cursor pages: offsets in disguise, with a next cursor even on the last page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from planeapp.sandbox.plane.errors import ApiError
from planeapp.sandbox.store import Doc

MOST = 1000


def page(query: Mapping[str, str], rows: list[Doc]) -> Doc:
    """The envelope around one page of ``rows``; the query may hold ``per_page`` and ``cursor``."""
    size = _size(query.get("per_page"))
    number = _number(query.get("cursor"))
    start = number * size
    cut = rows[start : start + size]
    envelope: dict[str, Any] = {
        "grouped_by": None,
        "sub_grouped_by": None,
        "total_count": len(rows),
        "next_cursor": f"{size}:{number + 1}:0",
        "prev_cursor": f"{size}:{number - 1}:1",
        "next_page_results": start + size < len(rows),
        "prev_page_results": number > 0,
        "count": len(cut),
        "total_pages": -(-len(rows) // size),
        "total_results": len(rows),
        "extra_stats": None,
        "results": cut,
    }
    return envelope


def _size(asked: str | None) -> int:
    if asked is None:
        return MOST
    if not asked.isdigit() or int(asked) < 1:
        raise ApiError(400, {"detail": "Invalid per_page parameter."})
    if int(asked) > MOST:
        raise ApiError(400, {"detail": f"Invalid per_page value. Cannot exceed {MOST}."})
    return int(asked)


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    parts = re.fullmatch(r"\d+:(-?\d+):[01]", cursor)
    if parts is None:
        raise ApiError(400, {"detail": "Invalid cursor parameter."})
    return max(0, int(parts.group(1)))
