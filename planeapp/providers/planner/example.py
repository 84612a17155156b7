"""A template out of the example that Planner shows inside its settings: known fields get placeholders, the rest stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner.reading import moment_of
from planeapp.providers.planner.schema import ONE
from planeapp.providers.planner.words import FIELDS, flat, names_of, unit_in

PLAIN = {
    "project": "{{project}}", "title": "{{title|truncate:255}}", "notes": "{{notes}}", "url": "{{url}}",
    "external_id": "{{external_id}}", "all_day": "{{all_day}}", "timezone": "{{timezone}}",
    "state": "{{state|map:states}}",
}  # fmt: skip
KINDS: dict[str, type | tuple[type, ...]] = {"all_day": bool, "project": (str, int)}
DROP = object()
Path = tuple[str, ...]


def from_example(text: str) -> dict[str, Any]:
    """The template for an example: JSON, alone or inside a command line. Raises FixSettings when there is none in it."""
    begin, end = text.find("{"), text.rfind("}")
    try:
        example = json.loads(text[begin : end + 1]) if begin >= 0 else None
    except (ValueError, RecursionError) as error:
        raise FixSettings(f"example: {error}", person=f"The example is not JSON: {error}.") from error
    if not isinstance(example, dict) or not example:
        raise FixSettings("example is no object", person="The example has no JSON object ({ … }) in it.")
    made = _with_placeholders(example, (), _fields(example))
    return made if isinstance(made, dict) else {}


def _fields(example: Mapping[str, Any]) -> dict[Path, str]:
    """Place → our field, one to one, the best-fitting name first."""
    ranked = [
        (synonyms.index(name) + 2 * place, number, path, field)
        for number, path in enumerate(_places(example, ()))
        for place, name in enumerate(names_of(path))
        for field, synonyms in FIELDS.items()
        if name in synonyms
    ]
    found: dict[Path, str] = {}
    for _, _, path, field in sorted(ranked):
        if path not in found and field not in found.values():
            found[path] = field
    return found


def _places(part: Mapping[str, Any], path: Path) -> list[Path]:
    found = []
    for name, inside in part.items():
        here = (*path, name)
        if _is_single(name, inside):
            here, inside = (*here, ONE), inside[0]
        found += _places(inside, here) if isinstance(inside, Mapping) else [here]
    return found


def _is_single(name: str, value: Any) -> bool:
    """Whether a value is a list with the block in it (not a list of people)."""
    one = isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping)
    return one and flat(name) not in FIELDS["people"]


def _with_placeholders(part: Any, path: Path, fields: Mapping[Path, str]) -> Any:
    """The example with placeholders; what must not be said of every block (its id, its people by id) is dropped."""
    if isinstance(part, Mapping):
        made = {name: _with_placeholders(inside, (*path, name), fields) for name, inside in part.items()}
        return {name: value for name, value in made.items() if value is not DROP}
    if path and _is_single(path[-1], part):
        return [_with_placeholders(part[0], (*path, ONE), fields)]
    field = fields.get(path)
    return part if field is None else _placeholder(field, part, path[-1])


def _placeholder(field: str, value: Any, name: str) -> Any:
    if field in PLAIN:
        return PLAIN[field] if isinstance(value, KINDS.get(field, str)) or value is None else value
    if field in ("start", "end"):
        return _moment(field, value)
    if field == "duration":
        unit = unit_in(name) or "minutes"
        return f"{{{{duration|{unit}}}}}" if unit in ("minutes", "days") else value
    addresses = isinstance(value, list) and value and all(isinstance(entry, str) and "@" in entry for entry in value)
    return "{{people}}" if field == "people" and addresses else DROP


def _moment(field: str, value: Any) -> Any:
    """A placeholder in the form in which the example gives a date or a moment."""
    moment = moment_of(value)
    if moment is None:
        return value
    if not isinstance(value, str):
        return f"{{{{{field}|{'epoch_ms' if value >= 100_000_000_000 else 'epoch_s'}}}}}"
    if isinstance(moment, datetime):
        return f"{{{{{field}|iso}}}}"
    return "{{start|date}}" if field == "start" else "{{end|date_inclusive_end}}"
