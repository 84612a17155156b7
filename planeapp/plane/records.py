"""Plane's records: the few that we name ourselves, and the checks around a write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from planeapp.lib.errors import Gone, RetryLater
from planeapp.plane.bodies import as_dict, clean_id

Row = dict[str, Any]
SETS = frozenset({"assignees", "labels"})
REWRITTEN = frozenset({"description_html", "description_stripped"})
"""Plane's sanitiser changes these on the way in, so they come back different without being dropped."""
Body = TypeVar("Body", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True)
class Member:
    """Somebody in a workspace or project. ``role``: 20 admin, 15 member, 5 guest; None where Plane does not tell."""

    id: str
    email: str
    display_name: str
    role: int | None = None
    is_bot: bool = False


@dataclass(frozen=True)
class Saved:
    """A work item after a write.

    ``dropped``: field → what was sent and is not there, since Plane leaves out in silence people who may not be
    assigned and labels of other projects (for ``assignees`` and ``labels`` only the missing ids are named).
    ``adopted``: the row was there already under our external id, and nothing was written.
    """

    record: Row
    dropped: Mapping[str, Any] = field(default_factory=dict)
    adopted: bool = False


def member(row: Row) -> Member:
    """From a member row, flat or with the person under ``member``."""
    person = {**row, **as_dict(row.get("member"))}
    role = row.get("role")
    return Member(
        id=clean_id(person.get("id")),
        email=str(person.get("email") or "").lower(),
        display_name=str(person.get("display_name") or person.get("first_name") or ""),
        role=role if isinstance(role, int) else None,
        is_bot=bool(person.get("is_bot")),
    )


def checked(model: type[Body], fields: Mapping[str, Any]) -> Body:
    """The SDK's request body of these fields; TypeError for a name that it would lose in silence."""
    unknown = set(fields) - set(model.model_fields)
    if unknown:
        raise TypeError(f"{model.__name__} has no field {', '.join(sorted(unknown))}")
    return model(**fields)


def dropped(sent: Mapping[str, Any], record: Row) -> dict[str, Any]:
    """What was sent but is not in the record that came back."""
    lost: dict[str, Any] = {}
    for name in sent.keys() & record.keys() - REWRITTEN:
        if name in SETS:
            missing = sorted(set(sent[name] or ()) - {clean_id(entry) for entry in record[name] or ()})
            if missing:
                lost[name] = missing
        elif _plain(sent[name]) != _plain(record[name]):
            lost[name] = sent[name]
    return lost


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return clean_id(value)
    return value.strip() if isinstance(value, str) else value


def one(answer: Any) -> Row:
    """The answer as one record; RetryLater when it is something else."""
    if not isinstance(answer, dict):
        raise RetryLater("Plane's answer is not a record")
    return answer


def or_none(read: Callable[[], T]) -> T | None:
    """What ``read`` gives, or None when Plane says 404."""
    try:
        return read()
    except Gone:
        return None
