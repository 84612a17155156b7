"""Work item ↔ VEVENT. Pure functions. Source: RFC 5545, section 3.6.1: the end of an event is exclusive."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Item, Values
from tests.providers.icalendar.lines import Line, escape, unescape

MARK = "X-WORK-ITEM"
DAY = timedelta(days=1)
Event = Mapping[str, Line]

_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_SPAN = frozenset(("start", "end", "starts_at", "ends_at"))


def item(event: Event, zone: ZoneInfo, calendar: str = "") -> Item | None:
    """An event as an Item (its version: when it was changed last, where it tells); None when it cannot be read."""
    moved, mark = event.get("LAST-MODIFIED"), event.get(MARK)
    try:
        version = _moment(moved, zone).isoformat() if moved else ""
        values = {**_told(event), **_days(event, zone)}
        return Item(event["UID"].value, values, version, unescape(mark.value) if mark else "", place=calendar)
    except (KeyError, ValueError, OverflowError):  # no id, no day, a zone that nobody knows, days beyond the calendar
        return None


def uid_of(mark: str) -> str:
    """The event's id: a client chooses it, so the same mark always means the same file."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, mark))


def new_file(values: Values, mark: str, zone: ZoneInfo, now: datetime) -> list[Line]:
    """The file of a new event."""
    fixed = {"UID": Line("UID", uid_of(mark)), MARK: Line(MARK, escape(mark))}
    told = [line for line in {**fixed, **properties(values, {}, zone, now)}.values() if line is not None]
    head = [Line("BEGIN", "VCALENDAR"), Line("VERSION", "2.0"), Line("PRODID", "-//Work items//EN")]
    return [*head, Line("BEGIN", "VEVENT"), *told, Line("END", "VEVENT"), Line("END", "VCALENDAR")]


def properties(values: Values, known: Values, zone: ZoneInfo, now: datetime) -> dict[str, Line | None]:
    """What the named values make of an event's properties (None: taken out). ``known``: its values as they stand."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    made: dict[str, Line | None] = {name: Line(name, stamp) for name in ("DTSTAMP", "LAST-MODIFIED")}
    if "title" in values:
        made["SUMMARY"] = Line("SUMMARY", escape(values["title"] or ""))
    if "url" in values:
        made["URL"] = Line("URL", values["url"]) if values["url"] else None
    if _SPAN & values.keys():
        begin, end = _span(values, known, zone)
        made |= {"DTSTART": _written("DTSTART", begin), "DTEND": _written("DTEND", end), "DURATION": None}
    return made


def _told(event: Event) -> dict[str, Any]:
    title, url = event.get("SUMMARY"), event.get("URL")
    return {"title": unescape(title.value) if title else "", "url": url.value if url else None}


def _days(event: Event, zone: ZoneInfo) -> dict[str, Any]:
    """First and last day, and the times of an event that has some."""
    begin = _moment(event["DTSTART"], zone)
    whole = _is_day(event["DTSTART"])
    end = _moment(event["DTEND"], zone) if "DTEND" in event else begin + _length(event, whole)
    last = max(begin, end - (DAY if whole else timedelta(microseconds=1)))
    days = {"start": begin.astimezone(zone).date(), "end": last.astimezone(zone).date()}
    return {**days, "starts_at": None if whole else begin, "ends_at": None if whole else end}


def _length(event: Event, whole: bool) -> timedelta:
    """Without an end, a whole-day event lasts a day and a timed one no time at all."""
    found = _DURATION.fullmatch(event["DURATION"].value) if "DURATION" in event else None
    if found is None:
        return DAY if whole else timedelta()
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _is_day(line: Line) -> bool:
    return "T" not in line.value


def _moment(line: Line, zone: ZoneInfo) -> datetime:
    """When it is: in UTC, in the zone that the line names, or (a day, a time that floats) in ours."""
    if _is_day(line):
        return datetime.strptime(line.value, "%Y%m%d").replace(tzinfo=zone)
    if line.value.endswith("Z"):
        return datetime.strptime(line.value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    named = line.param("TZID")
    return datetime.strptime(line.value, "%Y%m%dT%H%M%S").replace(tzinfo=ZoneInfo(named) if named else zone)


def _span(values: Values, known: Values, zone: ZoneInfo) -> tuple[date | datetime, date | datetime]:
    """Begin and exclusive end. An event that has times keeps them when only its days change."""
    wanted = {**known, **values}
    first, last = wanted.get("start") or wanted.get("end"), wanted.get("end") or wanted.get("start")
    if wanted.get("starts_at") is None:
        if first is None or last is None:
            raise FixSettings("event without a day", person="A calendar event needs a day. Give the work item dates.")
        return first, max(first, last) + DAY
    begin, end = wanted["starts_at"], wanted.get("ends_at") or wanted["starts_at"]
    if "starts_at" in values or first is None:
        return begin, max(begin, end)
    days = first - begin.astimezone(zone).date(), (last or first) - known["end"]
    return _moved(begin, days[0], zone), max(_moved(begin, days[0], zone), _moved(end, days[1], zone))


def _moved(moment: datetime, days: timedelta, zone: ZoneInfo) -> datetime:
    """The same time of day so many days later, whatever the clocks did in between."""
    local = moment.astimezone(zone)
    return datetime.combine(local.date() + days, local.timetz().replace(tzinfo=None), zone)


def _written(name: str, when: date | datetime) -> Line:
    if isinstance(when, datetime):
        return Line(name, when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
    return Line(name, when.strftime("%Y%m%d"), ";VALUE=DATE")
