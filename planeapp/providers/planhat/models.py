"""Planhat's models as far as we use them: path, the word for people, and the largest page that a list gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
"""One record as Planhat tells it. Keys may be missing: that is not the same as null."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """``keys`` are what a bulk write recognises a record by, the first one present wins.

    Source: Planhat developer docs, the page of each model and "Bulk upsert".
    """

    path: str
    label: str
    page: int = 2000
    keys: tuple[str, ...] = ("_id", "sourceId", "externalId")


COMPANIES = Model("companies", "Companies", 5000)
LEAN_COMPANIES = Model("leancompanies", "Company search", 5000)
ENDUSERS = Model("endusers", "Contacts", 2000, ("_id", "sourceId", "externalId", "email"))
USERS = Model("users", "Team members", 10000)
ISSUES = Model("issues", "Issues", 2000, ("_id", "sourceId"))
TASKS = Model("tasks", "Tasks", 10000)
CONVERSATIONS = Model("conversations", "Notes", 2000, ("_id", "externalId"))
CUSTOM_FIELDS = Model("customfields", "Custom fields", 2000, ("_id",))
CALLS = Model("calls", "Calls")
PROFILE = Model("myprofile", "Owner of the token")

BULK_ITEMS = 5000
"""Most records in one bulk write ("Bulk upsert")."""

SUSPECT_PAGES = frozenset({30, 100, 500, 1000, 2000, 5000, 10000})
"""Sizes at which Planhat cuts lists of one model or another: a page that is exactly this long may have been cut."""


def record_id(record: Json) -> str:
    """A record's ``_id``, or ``""``."""
    return str(record.get("_id") or "")


def bulk_key(model: Model, record: Json) -> str:
    """The value by which a bulk write recognises ``record``, or ``""`` (it would be inserted)."""
    return next((str(record[name]) for name in model.keys if record.get(name)), "")
