"""Small readings that every kind of delivery shares. Nothing here trusts the shape of what it gets."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,99}")


def as_dict(part: Any) -> dict[str, Any]:
    """The part itself when it is an object, else an empty one."""
    return part if isinstance(part, dict) else {}


def clean_id(part: Any) -> str:
    """An id as text: from the id itself or an object that carries it.

    ``""`` for null, for the text ``None`` (webhooks v2 print missing values so) and for what cannot be an id.
    """
    if isinstance(part, dict):
        part = part.get("id")
    return part if isinstance(part, str) and part != "None" and _ID.fullmatch(part) else ""


def text(part: Any) -> str | None:
    """The part itself when it is a real string (not the ``None`` of webhooks v2)."""
    return part if isinstance(part, str) and part != "None" else None


def content_id(*parts: Any) -> str:
    """A stable id made from content, for deliveries that bring none of their own."""
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "content:" + hashlib.sha256(canonical.encode("ascii")).hexdigest()[:40]
