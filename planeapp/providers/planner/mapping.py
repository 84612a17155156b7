"""Planner's blocks ↔ our neutral values. No input or output, so that tests are tables.

A *block* is ``{id, project, title, notes, start, end, timezone, people, state, url, external_id}`` with ``start`` and
``end``
as two dates (``end`` is the last day) or two aware moments (``end`` is exclusive).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Item, Values
from planeapp.providers.planner import notes
from planeapp.providers.planner.coerce import Moment, first_day, last_day
from planeapp.providers.planner.reading import Record, block_of, version_of, web_address
from planeapp.providers.planner.words import state_of

Block = dict[str, Any]
CHANGES = {
    "title": {"title"},
    "notes": {"notes"},
    "start": {"start", "end", "duration", "all_day", "timezone"},
    "state": {"state"},
    "people": {"people"},
    "url": {"url"},
}
"""Our value → the block's fields that a change of it writes."""
DATES = ("start", "end", "starts_at", "ends_at")


def held_back(values: Values) -> str:
    """``no_dates`` when there is neither a start nor an end, else ``""``."""
    known = [values.get(name) for name in DATES]
    return "" if any(value is not None for value in known) else "no_dates"


def span_of(values: Values, zone: ZoneInfo) -> tuple[Moment, Moment]:
    """When a new block is: the times of day if there are any, else days. One of start and end is enough.

    Raises FixSettings (code ``no_dates``) when there is none.
    """
    starts_at, ends_at = values.get("starts_at"), values.get("ends_at")
    if starts_at is not None or ends_at is not None:
        return _timed_span(starts_at, ends_at, zone)
    start, end = values.get("start"), values.get("end")
    start, end = start if start is not None else end, end if end is not None else start
    if start is None or end is None:
        raise FixSettings(
            "no dates", code="no_dates", person="The work item has no dates. Give it a start or a due date."
        )
    return min(start, end), end


def _timed_span(starts_at: datetime | None, ends_at: datetime | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    hour = timedelta(hours=1)
    if starts_at is None and ends_at is not None:
        starts_at = datetime.fromtimestamp(ends_at.timestamp(), zone) - hour
    if starts_at is None:
        raise FixSettings("no dates", code="no_dates")
    if ends_at is None or ends_at <= starts_at:
        ends_at = _later(starts_at, hour, zone)
    return starts_at.astimezone(zone), ends_at.astimezone(zone)


def _later(moment: datetime, length: timedelta, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() + length.total_seconds(), zone)


def moved_span(old: Values, new: Values, zone: ZoneInfo) -> tuple[Moment, Moment]:
    """When a block is after a change: ``old`` as last read, ``new`` with the named values.

    New times of day win. When only days change on a block with times, the time of day stays as the clock on the wall
    shows
    it, and so does the length, whatever the change to summer time does in between.
    """
    if new.get("starts_at") is not None or new.get("ends_at") is not None:
        return _retimed(old, new, zone)
    start, end = _new_days(old, new)
    was_start, was_end = old.get("starts_at"), old.get("ends_at")
    if was_start is None or was_end is None or _names_no_time(new):
        return start, end
    begin = _same_clock(was_start, start, zone)
    finish = _same_clock(was_end, end + _overhang(was_end, zone), zone)
    if finish <= begin:
        finish = datetime.fromtimestamp(begin.timestamp() + (was_end.timestamp() - was_start.timestamp()), zone)
    return begin, finish


def _names_no_time(new: Values) -> bool:
    """Times that are named and empty: the block becomes one of whole days."""
    return "starts_at" in new and new["starts_at"] is None and "ends_at" in new and new["ends_at"] is None


def _retimed(old: Values, new: Values, zone: ZoneInfo) -> tuple[datetime, datetime]:
    was_start, was_end = old.get("starts_at"), old.get("ends_at")
    begin, finish = new.get("starts_at") or was_start, new.get("ends_at")
    if finish is None and was_start is not None and was_end is not None and begin is not None:
        finish = _later(begin, timedelta(seconds=was_end.timestamp() - was_start.timestamp()), zone)
    return _timed_span(begin, finish, zone)


def _new_days(old: Values, new: Values) -> tuple[date, date]:
    """The new first and last day; a day that is not named stays, or keeps its distance when it would lie before."""
    was_start, was_end = _old_days(old)
    start = new.get("start") or (was_start if "start" not in new else None)
    end = new.get("end") or (was_end if "end" not in new else None)
    start, end = start or end, end or start
    if start is None or end is None:
        raise FixSettings("no dates", code="no_dates", person="The work item has no dates any more; the block stays.")
    if end < start:
        length = was_end - was_start if was_start and was_end else timedelta()
        start, end = (start, start + length) if new.get("start") else (end - length, end)
    return start, end


def _old_days(old: Values) -> tuple[date | None, date | None]:
    start, end = old.get("start"), old.get("end")
    return (start if start is not None else end), (end if end is not None else start)


def _overhang(was_end: datetime, zone: ZoneInfo) -> timedelta:
    """One day when a block ends at midnight: its last day is then the day before."""
    local = was_end.astimezone(zone)
    return timedelta(days=(local.date() - last_day(was_end, zone)).days)


def _same_clock(moment: datetime, day: date, zone: ZoneInfo) -> datetime:
    """The same time on the wall on another day; an hour that this day leaves out is read as one hour later."""
    clock = moment.astimezone(zone).time()
    there = datetime.combine(day, clock, zone)
    return datetime.fromtimestamp(there.timestamp(), zone)


def new_block(values: Values, mark: str, project: str, zone_name: str, fields: frozenset[str]) -> Block:
    """The block for a new work item. ``fields`` are the block's fields that the way of writing has a place for."""
    zone = ZoneInfo(zone_name)
    start, end = span_of(values, zone)
    block = text_fields(values, mark, fields)
    block |= {"project": project, "start": start, "end": end, "timezone": zone_name}
    return block | {name: values[name] for name in ("people", "state") if values.get(name) is not None}


def text_fields(values: Values, mark: str, fields: frozenset[str]) -> Block:
    """Title, notes, address and our mark: as external id, else in the address, else as the last line of the notes."""
    url, key = str(values.get("url") or ""), str(values.get("key") or "")
    block: Block = {"title": str(values.get("title") or "") or key or "Untitled"}
    if "notes" in values or mark:
        block["notes"] = notes.to_text(str(values.get("notes") or ""))
    if url:
        block["url"] = url
    if "external_id" in fields:
        block["external_id"] = mark or None
    elif "url" in fields and url:
        block["url"] = notes.url_with_mark(url, mark)
    else:
        block["notes_tail"] = notes.ref_line(mark, key, "" if "url" in fields else url)
    if "url" not in fields and "external_id" in fields and url:
        block["notes_tail"] = notes.ref_line(mark, key, url)
    return block


def changed_block(
    item: Item, values: Values, project: str, zone_name: str, fields: frozenset[str]
) -> tuple[Block, frozenset[str]]:
    """The block after a change, and its fields that the change touches (empty: nothing is to be written)."""
    zone = ZoneInfo(zone_name)
    whole = {**item.values, **values}
    block = text_fields(whole, item.mark, fields)
    start, end = moved_span(item.values, values, zone) if _has_dates(whole) else (None, None)
    block |= {"id": item.id, "project": project, "start": start, "end": end, "timezone": zone_name}
    block |= {name: whole[name] for name in ("people", "state") if whole.get(name) is not None}
    touched: set[str] = set()
    for name, value in values.items():
        if name in DATES:
            touched |= CHANGES["start"]
        elif name in CHANGES and (value is not None or name in ("notes", "people")):
            touched |= CHANGES[name]
    if "people" in values:
        block["people"] = values["people"] or ()
    if "notes" in touched:  # the mark may have stood in the notes alone: it is written where it belongs now
        touched |= {"external_id"} | ({"url"} if whole.get("url") and "external_id" not in fields else set())
    return block, frozenset(touched)


LABELS = {
    "title": "the title", "start": "the start date", "end": "the due date", "starts_at": "the start", "ends_at": "the end",
    "notes": "the notes", "state": "the state", "people": "the people",
}  # fmt: skip
"""What people call our values."""


def by_hand(item: Item, values: Values) -> str:
    """What a person has to change in Planner when we cannot: ``""`` when nothing that they can see would change."""
    told = [
        f"{LABELS[name]} to {_shown(name, value)}"
        for name, value in values.items()
        if name in LABELS and value != item.values.get(name)
    ]
    return f"Please change it by hand in Planner: {', '.join(told)}." if told else ""


def _shown(name: str, value: Any) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    if isinstance(value, datetime):
        return f"{value.day} {value:%B %Y %H:%M}"
    if isinstance(value, date):
        return f"{value.day} {value:%B %Y}"
    if name == "people":
        return ", ".join(value)
    text = " ".join(notes.to_text(str(value)).split()) if name == "notes" else str(value)
    return f"“{text[:100]}…”" if len(text) > 100 else f"“{text}”"


def _has_dates(values: Mapping[str, Any]) -> bool:
    return any(values.get(name) is not None for name in DATES)


def values_of(block: Mapping[str, Any], zone: ZoneInfo) -> tuple[dict[str, Any], str]:
    """A block's values in our words, and the mark that it carries (``""`` when it has none)."""
    values: dict[str, Any] = {}
    ref = notes.Ref()
    mark = str(block.get("external_id") or "")
    if "title" in block:
        values["title"] = str(block["title"] or "")
    if "notes" in block:
        text, ref = notes.split_ref(str(block["notes"] or ""))
        values["notes"] = notes.to_html(text)
    if block.get("url"):
        values["url"], in_url = notes.split_url(str(block["url"]))
        mark = mark or in_url
    elif ref.url:
        values["url"] = ref.url
    if ref.key:
        values["key"] = ref.key
    values |= _times_of(block, zone)
    if isinstance(block.get("state"), str) and state_of(block["state"]):
        values["state"] = state_of(block["state"])
    return values, mark or ref.mark


def _times_of(block: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    start, end = block.get("start"), block.get("end")
    if start is None or end is None:
        return {"start": None, "end": None, "starts_at": None, "ends_at": None}
    days = {"start": first_day(start, zone), "end": max(first_day(start, zone), last_day(end, zone))}
    timed = isinstance(start, datetime)
    return days | {"starts_at": start if timed else None, "ends_at": end if timed else None}


def item_of(
    record: Record, zone_name: str, hints: Mapping[str, Any] | None = None, people: Mapping[str, str] | None = None
) -> Item:
    """A row of Planner as an item. ``people`` translates Planner's person ids into e-mail addresses."""
    zone, hints = ZoneInfo(zone_name), hints or {}
    block = block_of(record, hints, zone)
    states = hints.get("states") or {}
    if isinstance(block.get("state"), str):
        block["state"] = states.get(block["state"], block["state"])
    values, mark = values_of(block, zone)
    if "people" in block:
        values["people"] = emails_of(block["people"], people or {})
    return Item(block["id"], values, version_of(record), mark, web_address(record), place=block["project"])


def emails_of(people: Any, known: Mapping[str, str]) -> tuple[str, ...]:
    """E-mail addresses of people given as addresses, ids, or objects with either; unknown ids are left out."""
    entries = people if isinstance(people, list | tuple) else [people] if people else []
    found = set()
    for entry in entries:
        named = (entry.get("email") or entry.get("id")) if isinstance(entry, Mapping) else entry
        address = str(named) if "@" in str(named) else known.get(str(named), "")
        if address:
            found.add(address.lower())
    return tuple(sorted(found))
