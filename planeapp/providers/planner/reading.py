"""What comes back from Planner: rows, ids and blocks found in answers whose shape is not documented."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.providers.planner.coerce import DAY, UNITS, Moment
from planeapp.providers.planner.words import FIELDS, flat, names_of, unit_in

Record = Mapping[str, Any]
LISTS = (
    "blocks", "projects", "people", "members", "users", "events", "items", "data", "results", "records", "result",
    "rows",
    "subscriptions", "edges", "nodes", "entries",
)  # fmt: skip
SINGLES = (
    "block",
    "item",
    "event",
    "entry",
    "booking",
    "data",
    "result",
    "record",
    "payload",
    "object",
    "subscription",
)
CURSORS = ("nextCursor", "next_cursor", "cursor", "nextPageToken", "next_page_token", "endCursor")
IDS = ("id", "blockId", "block_id", "eventId", "itemId", "uuid", "_id")
MS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds (as seconds they would lie after the year 5100)."""


def data_of(structured: Any, texts: tuple[str, ...]) -> Any:
    """A tool result's content: structured, else JSON in its text parts (together, then each), else the text itself."""
    if structured is not None:
        return structured
    joined = "".join(texts).strip()
    try:
        return json.loads(joined)
    except ValueError:
        pass
    parts = []
    for text in texts:
        try:
            parts.append(json.loads(text))
        except ValueError:
            return joined
    return parts if parts else joined


def rows(data: Any, depth: int = 3) -> list[Record]:
    """The first list of objects in an answer, looked for under the usual names; an empty list when there is none."""
    if isinstance(data, list):
        return [_unwrapped(row) for row in data if isinstance(row, Mapping)]
    if not isinstance(data, Mapping) or depth == 0:
        return []
    named = [data[name] for name in LISTS if name in data] + [data[name] for name in data if name not in LISTS]
    for inside in named:
        if isinstance(inside, list) and (not inside or isinstance(inside[0], Mapping)):
            return rows(inside, depth)
    for inside in named:
        found = rows(inside, depth - 1) if isinstance(inside, Mapping) else []
        if found:
            return found
    return []


def _unwrapped(row: Record) -> Record:
    inner = row.get("node")
    return inner if isinstance(inner, Mapping) else row


def has_rows(data: Any) -> bool:
    """Whether an answer contains a list at all (an empty one says that there is nothing)."""
    if isinstance(data, list):
        return True
    return isinstance(data, Mapping) and any(
        isinstance(inside, list) or (isinstance(inside, Mapping) and has_rows(inside)) for inside in data.values()
    )


def next_cursor(data: Any) -> str:
    """The cursor of the next page if the answer advertises one."""
    if not isinstance(data, Mapping):
        return ""
    for name in CURSORS:
        if isinstance(data.get(name), str | int) and data.get(name) not in ("", 0, False):
            return str(data[name])
    for name in ("pagination", "pageInfo", "page_info", "meta", "paging", "data"):
        found = next_cursor(data.get(name))
        if found:
            return found
    return ""


def more_to_come(data: Any) -> bool:
    """Whether the answer says that it is not all."""
    if not isinstance(data, Mapping):
        return False
    if any(data.get(name) is True for name in ("hasMore", "has_more", "hasNextPage", "has_next_page", "truncated")):
        return True
    return any(more_to_come(data.get(name)) for name in ("pagination", "pageInfo", "page_info", "meta", "paging"))


def one(data: Any, depth: int = 3) -> Record | None:
    """The single row in an answer: itself, or inside ``block``, ``data``, ``result`` and the like."""
    if isinstance(data, list):
        return data[0] if len(data) == 1 and isinstance(data[0], Mapping) else None
    if not isinstance(data, Mapping) or depth == 0:
        return None
    for name in SINGLES:
        inside = data.get(name)
        found = one(inside, depth - 1) if isinstance(inside, Mapping | list) else None
        if found is not None and id_of(found):
            return found
    if id_of(data):
        return data
    several = rows(data)
    return several[0] if len(several) == 1 else None


def id_of(record: Record) -> str:
    """A row's id, or ``""``."""
    for name in (*IDS, *(name for name in record if flat(name) in FIELDS["id"])):
        value = record.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return ""


def name_of(record: Record) -> str:
    """A row's name for people, else its id."""
    for name in ("name", "title", "label", "displayName", "display_name", "fullName", "full_name"):
        if isinstance(record.get(name), str) and record[name]:
            return str(record[name])
    return next(
        (str(value) for name, value in record.items() if flat(name).endswith("name") and isinstance(value, str)),
        id_of(record),
    )


def named_id(record: Record, noun: str) -> str:
    """The id of a row that is not a block: ``id``, else ``project_id`` / ``memberId`` and the like."""
    own = record.get("id") or record.get("uuid") or record.get("_id")
    if own:
        return str(own)
    return next((str(value) for name, value in record.items() if flat(name).endswith("id") and value), "") or str(
        record.get(noun) or ""
    )


def fields_of(record: Record) -> dict[str, Any]:
    """Our field → its value in a row, for the fields that the row has (a null is kept as None)."""
    index: dict[str, Any] = {}
    nested: dict[str, Any] = {}
    for path, value in _leaves(record, ()):
        for place, name in enumerate(names_of(path)):
            (index if len(path) == 1 and place == 0 else nested).setdefault(name, value)
    known = {**nested, **index}
    found = {}
    for field, synonyms in FIELDS.items():
        fitting = next((synonym for synonym in synonyms if synonym in known), None)
        if fitting is not None:
            found[field] = known[fitting]
            if field == "duration":
                found["duration_name"] = fitting
    return found


def _leaves(record: Record, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping) and len(path) < 2:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def moment_of(value: Any) -> Moment | None:
    """A date or an aware moment in a row: ISO text, or seconds or milliseconds since 1970; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal() and len(value) >= 9):
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= MS_FROM else number, ZoneInfo("UTC"))
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except ValueError:
        return None


def block_of(record: Record, hints: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """A row as a block: our fields, with ``start`` and ``end`` as two dates (the last day) or two moments (exclusive).

    ``hints``: ``end_inclusive`` (dates name the last day), ``duration_unit``.
    """
    found = fields_of(record)
    block: dict[str, Any] = {
        name: found[name] for name in ("title", "notes", "url", "state", "people", "external_id") if name in found
    }
    block["id"] = id_of(record)
    project = found.get("project")
    block["project"] = str(project) if isinstance(project, str | int) else ""
    start, end = moment_of(found.get("start")), moment_of(found.get("end"))
    if end is None and start is not None and isinstance(found.get("duration"), int | float):
        end = _ending(start, found["duration"], found["duration_name"], hints)
    block["start"], block["end"] = _span(start, end, found, hints, zone)
    return block


def _ending(start: Moment, length: float, name: str, hints: Mapping[str, Any]) -> Moment:
    unit = unit_in(name) or str(hints.get("duration_unit") or "minutes")
    if isinstance(start, datetime):
        return datetime.fromtimestamp(start.timestamp() + length * UNITS[unit], start.tzinfo or ZoneInfo("UTC"))
    days = max(1, round(length * UNITS[unit] / UNITS["days"]))
    return start + DAY * (days if not hints.get("end_inclusive", True) else days - 1)


def _span(
    start: Moment | None, end: Moment | None, found: Mapping[str, Any], hints: Mapping[str, Any], zone: ZoneInfo
) -> tuple[Moment | None, Moment | None]:
    start, end = start if start is not None else end, end if end is not None else start
    if start is None or end is None:
        return None, None
    if isinstance(start, datetime) and isinstance(end, datetime):
        return _timed(start, end, bool(found.get("all_day")), zone)
    first = start.date() if isinstance(start, datetime) else start
    last = end.date() if isinstance(end, datetime) else end
    if not hints.get("end_inclusive", True) and last > first:
        last -= DAY
    return first, max(first, last)


def _timed(start: datetime, end: datetime, all_day: bool, zone: ZoneInfo) -> tuple[Moment, Moment]:
    start = start.replace(tzinfo=zone) if start.tzinfo is None else start
    end = end.replace(tzinfo=zone) if end.tzinfo is None else end
    for first, last in ((start.astimezone(zone), end.astimezone(zone)), (start, end)):
        midnights = _is_midnight(first) and _is_midnight(last) and last > first
        if midnights and (all_day or first.tzinfo is zone or first.utcoffset()):
            return first.date(), last.date() - DAY
    if all_day:  # days as they are written when the start is a written midnight, whatever its offset
        first, last = (start, end) if _is_midnight(start) else (start.astimezone(zone), end.astimezone(zone))
        return first.date(), max(first.date(), (last - timedelta(microseconds=1)).date())
    return start.astimezone(zone), end.astimezone(zone)


def _is_midnight(moment: datetime) -> bool:
    return (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)


def version_of(record: Record) -> str:
    """The vendor's own version of a row (a time or a number), only a hint."""
    for name in ("updatedAt", "updated_at", "modifiedAt", "version", "revision", "etag"):
        if record.get(name):
            return str(record[name])
    return ""


def web_address(record: Record) -> str:
    """The row's page in Planner, where the row tells it."""
    for name in ("webUrl", "web_url", "htmlUrl", "html_url", "permalink", "appUrl"):
        if isinstance(record.get(name), str):
            return str(record[name])
    return ""


def is_block(record: Record) -> bool:
    """Whether a row can be a block: it has an id and something like a time or a title."""
    found = fields_of(record)
    return bool(id_of(record)) and bool({"start", "end", "title"} & set(found))
