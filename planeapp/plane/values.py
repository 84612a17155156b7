"""Plane's record of a work item ↔ neutral values (the names stand in ``planeapp.providers.base``). No I/O.

Records come from the API (ids) and from webhooks (objects); both are read. Besides the common names there is
``labels``: tuple[str, ...], names, sorted, and ``estimate``: str, the estimate's value, id or number as Plane tells it.
``created`` (datetime.date, the day in UTC on which it was made) and ``reporter`` (the e-mail address of who made it, where
that is a member of the project and no bot) never change, so they are never kept in step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from typing import Any

from planeapp.plane.bodies import as_dict, clean_id
from planeapp.plane.paging import moment
from planeapp.plane.records import Member, Row
from planeapp.providers.base import Values

GROUPS = ("backlog", "unstarted", "started", "completed", "cancelled")
PRIORITIES = ("urgent", "high", "medium", "low", "none")
EMPTY_NOTES = "<p></p>"
"""How a description is cleared: Plane refuses an empty text ("Invalid HTML passed")."""
LONGEST_TITLE = 255


def counts(record: Row, states: Sequence[Row]) -> bool:
    """Whether the record is an item to keep in step: not archived, not a draft, not in triage, not deleted."""
    gone = record.get("archived_at") or record.get("is_draft") or record.get("deleted_at")
    return not gone and _group(record, states) != "triage"


def values_of(
    record: Row,
    project: Row,
    states: Sequence[Row],
    members: Sequence[Member],
    *,
    labels: Sequence[Row] = (),
    url: str = "",
) -> Values:
    """The values that the record tells. A name is left out when it cannot be known (a state not in the list)."""
    values: dict[str, Any] = {"title": str(record.get("name") or "")}
    readings: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
        ("description_html", "notes", _notes),
        ("start_date", "start", day),
        ("target_date", "end", day),
        ("priority", "priority", lambda told: told if told in PRIORITIES else "none"),
        ("assignees", "people", lambda told: _people(told, members)),
        ("labels", "labels", lambda told: _names(told, labels)),
    )
    values |= {name: reading(record[column]) for column, name, reading in readings if column in record}
    group = _group(record, states)
    if group in GROUPS:
        values["state"] = group
    if "estimate_point" in record or "point" in record:
        values["estimate"] = _estimate(record)
    values |= _origin(record, members)
    if key := key_of(record, project):
        values["key"] = key
    return {**values, "url": url} if url else values


def key_of(record: Row, project: Row) -> str:
    """``CUST-12``, or ``""`` when the number or the project's identifier is missing."""
    number, identifier = record.get("sequence_id"), project.get("identifier")
    return f"{identifier}-{number}" if identifier and number is not None else ""


def day(told: Any) -> date | None:
    """A plain date; of a time, its day as written (Plane keeps no zone with these fields)."""
    try:
        return date.fromisoformat(told[:10]) if isinstance(told, str) else None
    except ValueError:
        return None


def state_for(group: str, states: Sequence[Row]) -> str | None:
    """The id of the state that stands for a group: the project's default state if it is in it, else the first."""
    fitting = [state for state in states if state.get("group") == group and clean_id(state)]
    fitting.sort(key=lambda state: (not state.get("default"), state.get("sequence") or 0))
    return clean_id(fitting[0]) if fitting else None


def fields_of(
    values: Values, states: Sequence[Row], members: Sequence[Member], label_id: Callable[[str], str]
) -> dict[str, Any]:
    """Plane's fields for the named values, fit for a write.

    People without an account in the project and groups without a state are left out (nobody is unassigned because
    the other side only names strangers). ``label_id`` gives, or makes, the label of a name.
    """
    writings: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "title": ("name", lambda told: str(told or "")[:LONGEST_TITLE]),
        "notes": ("description_html", lambda told: told if told and told.strip() else EMPTY_NOTES),
        "start": ("start_date", lambda told: told.isoformat() if told else None),
        "end": ("target_date", lambda told: told.isoformat() if told else None),
        "priority": ("priority", lambda told: told if told in PRIORITIES else "none"),
        "state": ("state", lambda told: state_for(told, states)),
        "people": ("assignees", lambda told: _ids(told or (), members)),
        "labels": ("labels", lambda told: [label_id(name) for name in told or ()]),
    }
    fields = {column: write(values[name]) for name, (column, write) in writings.items() if name in values}
    return {
        column: value for column, value in fields.items() if value is not None or column not in ("state", "assignees")
    }


def _group(record: Row, states: Sequence[Row]) -> str:
    told = record.get("state")
    if isinstance(told, dict) and told.get("group"):
        return str(told["group"])
    wanted = clean_id(told) or clean_id(record.get("state_id"))
    return next((str(state.get("group") or "") for state in states if clean_id(state) == wanted), "") if wanted else ""


def _origin(record: Row, members: Sequence[Member]) -> dict[str, Any]:
    """When and by whom it was made. In UTC: the API writes times in the zone of the token's owner, webhooks in UTC."""
    at = moment(record.get("created_at"))
    by = _people([record.get("created_by")], members)
    found = {"created": at.astimezone(UTC).date() if at else None, "reporter": next(iter(by), None)}
    return {name: value for name, value in found.items() if value is not None}


def _notes(told: Any) -> str | None:
    return told if isinstance(told, str) and told.strip() not in ("", EMPTY_NOTES) else None


def _estimate(record: Row) -> str | None:
    """What the estimate is called: the API gives an object with a value, an id, or (older servers) a number."""
    point = record.get("estimate_point")
    named = as_dict(point).get("value") or clean_id(point) or record.get("point")
    return None if named in (None, "") else str(named)


def _people(told: Any, members: Sequence[Member]) -> tuple[str, ...]:
    known = {member.id: member.email for member in members if not member.is_bot}
    found = {str(as_dict(entry).get("email") or "").lower() or known.get(clean_id(entry), "") for entry in told or ()}
    return tuple(sorted(found - {""}))


def _names(told: Any, labels: Sequence[Row]) -> tuple[str, ...]:
    known: Mapping[str, str] = {clean_id(label): str(label.get("name") or "") for label in labels}
    found = {str(as_dict(entry).get("name") or "") or known.get(clean_id(entry), "") for entry in told or ()}
    return tuple(sorted(found - {""}))


def _ids(emails: Sequence[str], members: Sequence[Member]) -> list[str] | None:
    """The members' ids; None when people are named and none of them is known."""
    known = {member.email: member.id for member in members if member.email}
    found = [known[email.lower()] for email in emails if email.lower() in known]
    return found if found or not emails else None
