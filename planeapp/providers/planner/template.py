"""The body of Planner's REST "create block" action, made from a JSON template that an admin can edit.

Planner shows the real body only inside its own settings, so the default is a guess and is labelled so. A placeholder is
``{{name|filter|filter:argument}}``. Alone in a string it keeps its type; a placeholder without a value drops its key.
Nothing is evaluated: names and filters are the ones below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner import coerce

DEFAULT: dict[str, Any] = {
    "projectId": "{{project}}",
    "title": "{{title|truncate:255}}",
    "startDate": "{{start|date}}",
    "endDate": "{{end|date_inclusive_end}}",
    "notes": "{{notes}}",
}
NAMES = frozenset({
    "project", "title", "start", "end", "duration", "all_day", "timezone", "people", "notes", "url", "state",
    "external_id",
})  # fmt: skip
MOMENTS = frozenset({"iso", "epoch_s", "epoch_ms"})
PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
MISSING = object()
Values = Mapping[str, Any]
SAMPLE: Values = dict.fromkeys(NAMES, "x") | {
    "start": datetime(2030, 1, 7, 9, tzinfo=ZoneInfo("UTC")),
    "end": datetime(2030, 1, 7, 10, tzinfo=ZoneInfo("UTC")),
    "duration": (datetime(2030, 1, 7, 9, tzinfo=ZoneInfo("UTC")), datetime(2030, 1, 7, 10, tzinfo=ZoneInfo("UTC"))),
    "all_day": False,
    "timezone": "UTC",
    "people": ["a@example.com"],
}


def of(settings: Mapping[str, Any]) -> Any:
    """The template that a connection's settings hold (as JSON or as its text), else the default."""
    shape = settings.get("template") or DEFAULT
    return json.loads(shape) if isinstance(shape, str) else shape


def render(template: Any, block: Values, maps: Mapping[str, Mapping[str, Any]] | None = None) -> Any:
    """The template with a block's values in place. Raises FixSettings for names or filters that are not known."""
    made = _render(template, _with_derived(block), maps or {})
    return {} if made is MISSING else made


def names_in(template: Any) -> frozenset[str]:
    """The names that a template uses."""
    if isinstance(template, Mapping):
        return frozenset().union(*map(names_in, template.values()))
    if isinstance(template, list):
        return frozenset().union(*map(names_in, template))
    if not isinstance(template, str):
        return frozenset()
    return frozenset(found.split("|")[0].strip() for found in PLACEHOLDER.findall(template))


def parse(text: str) -> dict[str, Any]:
    """The template in a text, checked. Raises FixSettings that says what is wrong and where."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        person = f"The template is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise FixSettings(f"template: {error}", person=person) from error
    except RecursionError as error:
        raise FixSettings("template too deep", person="The template is nested too deeply.") from error
    check(found)
    return dict(found)


def check(template: Any, maps: Mapping[str, Any] | None = None) -> None:
    """Raise FixSettings when a template cannot work: not an object, or a name or filter that is not known, by its name."""
    if not isinstance(template, Mapping):
        raise FixSettings("template is no object", person="The template for new blocks must be a JSON object.")
    told = [problem for path, value in lines(template) if (problem := _problem(path, value, maps or {}))]
    if told:
        raise FixSettings(f"template: {len(told)} mistakes", person=" ".join(told))


def lines(template: Any, path: str = "") -> list[tuple[str, Any]]:
    """(dotted path, value) of every place in a template, in its order."""
    if isinstance(template, Mapping):
        parts = [(f"{path}.{name}" if path else str(name), inside) for name, inside in template.items()]
    elif isinstance(template, list):
        parts = [(f"{path}[{number}]", inside) for number, inside in enumerate(template)]
    else:
        return [(path, template)]
    return [line for where, inside in parts for line in lines(inside, where)]


def _problem(path: str, value: Any, maps: Mapping[str, Any]) -> str:
    """What is wrong with one place, as a sentence; ``""`` when nothing is."""
    if "{{" in path:
        return f"The template's name {path} has a placeholder; only values can have them."
    if not isinstance(value, str):
        return ""
    rest = PLACEHOLDER.sub("", value)
    if "{{" in rest or "}}" in rest:
        return f"In the template, {path} has a placeholder that is not closed: {value[:80]}"
    try:
        _text(value, SAMPLE, maps)
    except FixSettings as error:
        return f"{error.person.rstrip('.')} (at {path})."
    return ""


def _with_derived(block: Values) -> dict[str, Any]:
    values = dict(block)
    tail = str(values.pop("notes_tail", "") or "")
    if tail:
        values["notes"] = coerce.text_out(str(values.get("notes") or ""), {}, tail)
    start, end = values.get("start"), values.get("end")
    if start is not None and end is not None:
        values["all_day"] = not isinstance(start, datetime)
        values["duration"] = (start, end)
    return values


def _render(part: Any, values: Values, maps: Mapping[str, Any]) -> Any:
    if isinstance(part, Mapping):
        made = {name: _render(inside, values, maps) for name, inside in part.items()}
        return {name: value for name, value in made.items() if value is not MISSING}
    if isinstance(part, list):
        return [value for value in (_render(inside, values, maps) for inside in part) if value is not MISSING]
    return _text(part, values, maps) if isinstance(part, str) else part


def _text(text: str, values: Values, maps: Mapping[str, Any]) -> Any:
    whole = PLACEHOLDER.fullmatch(text)
    if whole:
        return _plain(_value(whole.group(1), values, maps), values)
    parts = [_plain(_value(found, values, maps), values) for found in PLACEHOLDER.findall(text)]
    if any(part is MISSING for part in parts):
        return MISSING
    waiting = iter(parts)
    return PLACEHOLDER.sub(lambda _: str(next(waiting)), text)


def _value(expression: str, values: Values, maps: Mapping[str, Any]) -> Any:
    name, *filters = [part.strip() for part in expression.split("|")]
    if name not in NAMES:
        known = ", ".join(sorted(NAMES))
        raise FixSettings(
            f"template: unknown name {name}",
            person=f"The template uses {name or 'nothing'}, which is not a known name. Known are {known}.",
        )
    value = values.get(name)
    if name == "end" and filters and filters[0] in MOMENTS and value is not None:
        value = _finish(value, values)  # whole days are over at midnight after the last one
    if value is None:
        return MISSING
    for given in filters:
        filter_name, _, argument = given.partition(":")
        value = _filtered(filter_name.strip(), argument.strip(), value, values, maps)
        if value is MISSING:
            return MISSING
    return value


def _filtered(name: str, argument: str, value: Any, values: Values, maps: Mapping[str, Any]) -> Any:
    if name == "map":
        return maps.get(argument, {}).get(str(value), MISSING)
    if name == "truncate":
        return coerce.text_out(str(value), {"max": _number(argument)})
    if name == "lower":
        return str(value).lower()
    if name not in TIME_FILTERS:
        known = ", ".join(sorted([*TIME_FILTERS, "lower", "map:name", "truncate:255"]))
        raise FixSettings(
            f"template: unknown filter {name}",
            person=f"The template uses the filter {name or '(without a name)'}, which is not known. Known are {known}.",
        )
    try:
        return TIME_FILTERS[name](value, ZoneInfo(values.get("timezone") or "UTC"))
    except (AttributeError, TypeError, ValueError) as error:
        raise FixSettings(
            f"template: filter {name} on {value!r}", person=f"The template's filter {name} does not fit its value."
        ) from error


def _number(argument: str) -> int:
    if not argument.isdecimal():
        raise FixSettings(
            "template: truncate needs a number",
            person="In the template, write truncate with a number, like truncate:255.",
        )
    return int(argument)


def _finish(value: Any, values: Values) -> Any:
    zone = ZoneInfo(values.get("timezone") or "UTC")
    return coerce.finish_of(value, zone) if isinstance(value, date) else value


def _begin(value: Any, zone: ZoneInfo) -> datetime:
    return coerce.begin_of(value, zone)


def _last(value: Any, zone: ZoneInfo) -> str:
    return coerce.last_day(value, zone).isoformat()


def _length(unit: str) -> Callable[[Any, ZoneInfo], int]:
    def length(value: Any, zone: ZoneInfo) -> int:
        start, end = value
        return coerce.duration_out(start, end, {"unit": unit}, zone)

    return length


TIME_FILTERS: dict[str, Callable[[Any, ZoneInfo], Any]] = {
    "iso": lambda value, zone: coerce.rfc3339(_begin(value, zone)),
    "date": lambda value, zone: coerce.first_day(value, zone).isoformat(),
    "date_inclusive_end": _last,
    "epoch_s": lambda value, zone: round(_begin(value, zone).timestamp()),
    "epoch_ms": lambda value, zone: round(_begin(value, zone).timestamp() * 1000),
    "minutes": _length("minutes"),
    "days": _length("days"),
}


def _plain(value: Any, values: Values) -> Any:
    """A value that JSON can carry: moments without a filter become ISO text, people a list."""
    if isinstance(value, datetime):
        return coerce.rfc3339(value.astimezone(ZoneInfo(values.get("timezone") or "UTC")))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        is_length = len(value) == 2 and isinstance(value[0], date)
        zone = ZoneInfo(values.get("timezone") or "UTC")
        return coerce.duration_out(value[0], value[1], {"unit": "minutes"}, zone) if is_length else list(value)
    return value
