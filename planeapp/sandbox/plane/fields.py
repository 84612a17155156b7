"""Checks of request fields, with the words of Plane's serializers (Django REST framework)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from planeapp.sandbox.plane.core import Plane, iso
from planeapp.sandbox.plane.errors import ApiError, bad
from planeapp.sandbox.store import Doc

Check = Callable[[Plane, Any], Any]


class Invalid(Exception):
    """A value that its field refuses; ``detail`` is the message list (or index → list) of that field."""

    def __init__(self, detail: Any) -> None:
        super().__init__(detail)
        self.detail = detail


def text(limit: int = 255, blank: bool = False, null: bool = False) -> Check:
    """A string of at most ``limit`` characters (0 = any); numbers are taken as their text."""

    def check(plane: Plane, value: Any) -> str | None:
        if value is None and null:
            return None
        words = _as_text(value)
        if not words.strip() and not blank:
            raise Invalid(["This field may not be blank."])
        if limit and len(words) > limit:
            raise Invalid([f"Ensure this field has no more than {limit} characters."])
        return words

    return check


def _as_text(value: Any) -> str:
    if value is None:
        raise Invalid(["This field may not be null."])
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid(["Not a valid string."])
    words = str(value)
    if "\0" in words:
        raise Invalid(["Null characters are not allowed."])
    lone = re.search("[\ud800-\udfff]", words)
    if lone:
        raise Invalid([f"Surrogate characters are not allowed: U+{ord(lone.group()):04X}."])
    return words


def choice(*options: str) -> Check:
    """One of ``options``."""

    def check(plane: Plane, value: Any) -> str:
        if value not in options:
            raise Invalid([f'"{value}" is not a valid choice.'])
        return str(value)

    return check


def day(plane: Plane, value: Any) -> str | None:
    """A plain date (YYYY-MM-DD) or null."""
    if value is None:
        return None
    try:
        if len(str(value)) != len("2026-11-20"):
            raise ValueError(value)
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise Invalid(["Date has wrong format. Use one of these formats instead: YYYY-MM-DD."]) from error


def moment(plane: Plane, value: Any) -> str | None:
    """A datetime or null; kept in UTC."""
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(str(value))
    except ValueError as error:
        pattern = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
        raise Invalid([f"Datetime has wrong format. Use one of these formats instead: {pattern}."]) from error
    return iso(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def flag(plane: Plane, value: Any) -> bool:
    """A boolean."""
    if value in (True, False, "true", "false"):
        return value in (True, "true")
    raise Invalid(["Must be a valid boolean."])


def anything(plane: Plane, value: Any) -> Any:
    """Any JSON value."""
    return value


def row(kind: str, null: bool = True) -> Check:
    """The id of an existing row of ``kind``."""

    def check(plane: Plane, value: Any) -> str | None:
        if value is None and null:
            return None
        if value is None:
            raise Invalid(["This field may not be null."])
        return _existing(plane, kind, value)

    return check


def rows(kind: str) -> Check:
    """A list of ids of existing rows of ``kind``; faults are told by index."""

    def check(plane: Plane, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise Invalid([f'Expected a list of items but got type "{type(value).__name__}".'])
        faults: Doc = {}
        found = []
        for index, entry in enumerate(value):
            try:
                found.append(_existing(plane, kind, entry))
            except Invalid as fault:
                faults[str(index)] = fault.detail
        if faults:
            raise Invalid(faults)
        return list(dict.fromkeys(found))

    return check


def _existing(plane: Plane, kind: str, value: Any) -> str:
    try:
        key = str(uuid.UUID(str(value)))
    except ValueError as error:
        raise Invalid([f"“{value}” is not a valid UUID."]) from error
    if plane.one(kind, key) is None:
        raise Invalid([f'Invalid pk "{value}" - object does not exist.'])
    return key


def clean(plane: Plane, data: Any, checks: dict[str, Check], required: Iterable[str] = ()) -> Doc:
    """The known fields of ``data``, checked, in its order. Unknown ones are dropped without a word, as Plane does.

    Raises a 400 with every faulty field; ``required`` names the fields that must be there.
    """
    if not isinstance(data, dict):
        raise bad(non_field_errors=[f"Invalid data. Expected a dictionary, but got {type(data).__name__}."])
    faults: Doc = {name: ["This field is required."] for name in required if name not in data}
    values: Doc = {}
    for name in [name for name in data if name in checks]:
        try:
            values[name] = checks[name](plane, data[name])
        except Invalid as fault:
            faults[name] = fault.detail
    if faults:
        raise ApiError(400, faults)
    return values
