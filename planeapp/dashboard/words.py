"""What the engine keeps (field names, JSON values, counts) as people read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import strip_tags
from django.utils.text import Truncator

from planeapp.providers import PROVIDERS, provider_class
from planeapp.sync.values import DATES, from_json, spoken

TIMES = {"starts_at": "From", "ends_at": "Until"}
LONGEST = 300
BLOCKS = re.compile(r"(?=</?(?:p|div|br|li|h\d|td|pre|blockquote)\b)")
# kind → one, many; {where} is "Plane" or the provider's name
COUNTED = {
    "create": ("1 made in {where}", "{n} made in {where}"),
    "adopt": ("1 found again in {where}", "{n} found again in {where}"),
    "update": ("1 changed in {where}", "{n} changed in {where}"),
    "show": ("1 address put on its work item", "{n} addresses put on their work items"),
    "unlink": ("1 link taken off", "{n} links taken off"),
    "delete": ("1 removed from {where}", "{n} removed from {where}"),
    "held": ("1 held back", "{n} held back"),
    "failed": ("1 failed", "{n} failed"),
    "undone": ("1 taken back", "{n} taken back"),
    "kept": ("1 left as it is", "{n} left as they are"),
}
SILENT = {"agree"}


def where(side: str, provider_name: str) -> str:
    """A side's name: ``plane`` or ``vendor``."""
    return "Plane" if side == "plane" else provider_name


def labels_of(provider: str) -> dict[str, str]:
    """The fields that are kept in step with a provider, by name, and the times of a row."""
    known = {field.name: field.label for field in provider_class(provider).fields} if provider in PROVIDERS else {}
    return known | TIMES


def label(provider: str, name: str) -> str:
    """A field in words."""
    return labels_of(provider).get(name) or name.replace("_", " ").capitalize()


def value_in_words(name: str, stored: Any, zone: str) -> str:
    """A stored value for people: moments in ``zone``, long texts without markup and cut."""
    value = from_json({name: stored})[name]
    if isinstance(value, datetime):
        return spoken(value.astimezone(ZoneInfo(zone)))
    if isinstance(value, list):
        value = tuple(str(entry) for entry in value)
    if isinstance(value, str):
        text = unescape(strip_tags(BLOCKS.sub(" ", value))) if name == "notes" else value
        value = Truncator(" ".join(text.split())).chars(LONGEST)
    return spoken(value)


def shown_fields(provider: str, values: Mapping[str, Any]) -> list[str]:
    """Names of ``values`` that a person knows, in the provider's order; days that its times say already are left out."""
    said = DATES if values.get("starts_at") else frozenset()
    return [name for name in labels_of(provider) if name in values and name not in said]


def counts_in_words(counts: Mapping[str, int], provider_name: str) -> list[str]:
    """A run's counts (``{"create vendor": 2}``), one phrase each, always in the same order."""
    told = [key for key, number in counts.items() if number and key.partition(" ")[0] not in SILENT]
    return [_counted(key, counts[key], provider_name) for key in sorted(told, key=_place)]


def _place(key: str) -> tuple[int, str]:
    kind, _, side = key.partition(" ")
    return (list(COUNTED).index(kind) if kind in COUNTED else len(COUNTED)), side


def _counted(key: str, number: int, provider_name: str) -> str:
    kind, _, side = key.partition(" ")
    one, many = COUNTED.get(kind, ("1 " + key, "{n} " + key))
    return (one if number == 1 else many).format(n=f"{number:,}", where=where(side, provider_name))


def about(left: timedelta) -> str:
    """A stretch of time in one round figure: "about 2 hours"."""
    minutes = left.total_seconds() / 60
    if minutes < 1:
        return "less than a minute"
    for size, unit in ((60 * 24, "day"), (60, "hour")):
        if minutes >= size * 1.5:
            return f"about {round(minutes / size)} {unit}s"
    return f"about {round(minutes)} minute{'s' if round(minutes) != 1 else ''}"
