"""How a tool's arguments are filled: a mapping (plain data, shown to an admin, kept in the report) and its use.

A mapping is ``{tool, role, hash, risky, told, slots, constants, missing}`` (``risky``: the tool says that it destroys;
``told``: the block's fields in its answers, None when it does not say); a slot is ``{path, field, required, …}`` with what the
coercion needs: ``form`` (date, datetime, local, epoch_s, epoch_ms), ``inclusive``, ``unit``, ``max``, ``choices``,
``by``,
``many``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.providers.planner import coerce
from planeapp.providers.planner.reading import fields_of, one, rows
from planeapp.providers.planner.schema import (
    EACH,
    ONE,
    Leaf,
    fingerprint,
    leaves,
    missing,
    problems,
    skeleton,
    type_of,
)
from planeapp.providers.planner.wire import Tool
from planeapp.providers.planner.words import FIELDS, LIST_FIELDS, STATES, flat, names_of, unit_in

MappingData = dict[str, Any]
WRITTEN = ("project", "title", "start", "end", "duration", "all_day", "timezone", "people", "notes", "url", "state")
ROLE_FIELDS: dict[str, tuple[str, ...]] = {
    "create_block": (*WRITTEN, "external_id"),
    "update_block": ("id", *WRITTEN, "external_id"),
    "get_block": ("id", "project"),
    "delete_block": ("id", "project"),
}
TIMES = frozenset({"start", "end", "duration", "range_start", "range_end"})
EXCLUSIVE = re.compile(r"exclusiv|day after|not included|up to but")
INCLUSIVE = re.compile(r"inclusiv|last day|including")
SAMPLE: Mapping[str, Any] = {
    "id": "00000000-0000-4000-8000-000000000000",
    "project": "00000000-0000-4000-8000-000000000000",
    "title": "Example",
    "start": date(2030, 1, 7),
    "end": date(2030, 1, 8),
    "people": (),
    "notes": "",
    "state": "unstarted",
}


def propose(tool: Tool, role: str, override: Mapping[str, Any] | None = None) -> MappingData:
    """A mapping for a tool in a role.

    ``override`` is an admin's: ``constants`` {dotted path: value}, ``fields`` {dotted path: field}.
    """
    override = override or {}
    constants = dict(override.get("constants") or {})
    chosen = dict(override.get("fields") or {})
    found = leaves(tool["input_schema"])
    pairs = _pairs([leaf for leaf in found if leaf.dotted not in constants], role, chosen)
    slots = [_slot(leaf, field) for leaf, field in pairs]
    taken = {tuple(slot["path"]) for slot in slots}
    open_leaves = [leaf for leaf in found if leaf.path not in taken and leaf.dotted not in constants and leaf.required]
    for leaf in open_leaves:
        known = _known_value(leaf)
        if known is not None:
            constants[leaf.dotted] = known
    mapping: MappingData = {
        "tool": tool["name"],
        "role": role,
        "hash": fingerprint(tool["input_schema"]),
        "risky": tool["annotations"].get("destructiveHint") is True,
        "told": _told(tool, role),
        "slots": slots,
        "constants": constants,
        "missing": [leaf.dotted for leaf in open_leaves if leaf.dotted not in constants],
    }
    mapping["missing"] = mapping["missing"] or _missing_in_sample(tool, mapping)
    return mapping


def _missing_in_sample(tool: Tool, mapping: MappingData) -> list[str]:
    """Requirements that only show when values are in place (inside optional objects, in conditions)."""
    if mapping["role"].startswith("list_"):
        return []
    return missing(tool["input_schema"], arguments_for(mapping, SAMPLE))


def _told(tool: Tool, role: str) -> list[str] | None:
    """The block's fields that a reading tool's answers have, by its output schema."""
    if role not in ("list_blocks", "get_block"):
        return None
    answer = skeleton(tool["output_schema"])
    row = next(iter(rows(answer)), None) if role == "list_blocks" else one(answer)
    return None if row is None else sorted(set(fields_of(row)) & {*FIELDS} - {"id"})


def still_fits(tool: Tool, mapping: Mapping[str, Any]) -> bool:
    """Whether a mapping that was made for an earlier form of a tool may still be used with it."""
    if fingerprint(tool["input_schema"]) != mapping["hash"]:
        known = {leaf.path for leaf in leaves(tool["input_schema"])}
        if any(tuple(slot["path"]) not in known for slot in mapping["slots"]):
            return False
        if missing(tool["input_schema"], arguments_for(mapping, SAMPLE)):
            return False
    return bool(mapping.get("risky", True)) or tool["annotations"].get("destructiveHint") is not True


def _pairs(found: list[Leaf], role: str, chosen: Mapping[str, str]) -> list[tuple[Leaf, str]]:
    """Leaves and fields, one to one, the best-fitting name first."""
    fields = {name: FIELDS[name] for name in ROLE_FIELDS[role]} if role in ROLE_FIELDS else LIST_FIELDS
    ranked: list[tuple[int, int, Leaf, str]] = []
    for place, leaf in enumerate(found):
        if leaf.dotted in chosen:
            ranked.append((-1, place, leaf, chosen[leaf.dotted]))
            continue
        for field, synonyms in fields.items():
            rank = _rank(leaf, field, synonyms)
            if rank is not None:
                ranked.append((rank, place, leaf, field))
    pairs: dict[tuple[str, ...], tuple[Leaf, str]] = {}
    for _, _, leaf, field in sorted(ranked, key=lambda entry: entry[:2]):
        if leaf.path not in pairs and field not in {taken for _, taken in pairs.values()}:
            pairs[leaf.path] = (leaf, field)
    return [pair for pair in pairs.values() if pair[1]]


def _rank(leaf: Leaf, field: str, synonyms: tuple[str, ...]) -> int | None:
    path = leaf.path[: leaf.path.index(EACH)] if EACH in leaf.path else leaf.path
    names = names_of(path)
    ranks = [synonyms.index(name) + 2 * place for place, name in enumerate(names) if name in synonyms]
    return min(ranks) if ranks and _type_fits(leaf, field) else None


def _type_fits(leaf: Leaf, field: str) -> bool:
    kind = leaf.type
    if field == "people":
        return kind in ("string", "array", "") and leaf.schema.get("enum") is None
    if EACH in leaf.path:
        return False
    if field == "state":
        return kind == "string" and bool(leaf.schema.get("enum"))
    if field in ("start", "end", "range_start", "range_end"):
        return kind in ("string", "integer", "number", "") and leaf.schema.get("enum") is None
    if field in ("duration", "limit", "page", "offset"):
        return kind in ("integer", "number")
    if field == "all_day":
        return kind == "boolean"
    if field in ("id", "project"):
        return kind in ("string", "integer", "") or (
            kind == "array" and type_of(leaf.schema.get("items") or {}) == "string"
        )
    return kind in ("string", "")


def _slot(leaf: Leaf, field: str) -> dict[str, Any]:
    slot: dict[str, Any] = {"path": list(leaf.path), "field": field, "required": leaf.required}
    if field == "duration":
        slot["unit"] = unit_of(leaf)
    elif field in TIMES:
        slot["form"] = form_of(leaf)
        slot["inclusive"] = is_inclusive(leaf.text, slot["form"])
    elif field == "people":
        slot["by"] = "email" if leaf.schema.get("format") == "email" or "mail" in leaf.text else "id"
        slot["many"] = EACH in leaf.path or leaf.type == "array"
    elif field == "state":
        slot["choices"] = choices_of(leaf.schema.get("enum") or [])
    elif leaf.type == "array":
        slot["many"] = True
    elif leaf.type == "integer":
        slot["number"] = True
    limit = leaf.schema.get("maximum" if field == "limit" else "maxLength")
    if isinstance(limit, int):
        slot["max"] = limit
    return slot


def form_of(leaf: Leaf) -> str:
    """The form in which a moment is written: by type, format, description, example and name, in this order."""
    said, name = leaf.text, leaf.path[-1]
    if leaf.type in ("integer", "number"):
        seconds = (
            re.search(r"second|unix", said) and not re.search(r"milli|\bms\b", said) and not flat(name).endswith("ms")
        )
        return "epoch_s" if seconds else "epoch_ms"
    form = leaf.schema.get("format")
    if form in ("date", "date-time"):
        return "date" if form == "date" else "datetime"
    hints = " ".join([said, str(leaf.schema.get("pattern", "")), str(leaf.schema.get("examples", ""))])
    if re.search(r"without (an )?offset|local (date-)?time|wall", hints):
        return "local"
    if re.search(r"date-?time|iso ?8601 (date )?time|timestamp|rfc ?3339|thh|t\d\d:|with offset", hints):
        return "datetime"
    if re.search(r"yyyy-mm-dd|\bdays?\b|calendar date", hints) or flat(name).endswith(("date", "day")):
        return "date"
    return "datetime"


def is_inclusive(said: str, form: str) -> bool:
    """Whether an end names the last day itself: dates do unless their description says otherwise, moments do not."""
    return form == "date" and (bool(INCLUSIVE.search(said)) or not EXCLUSIVE.search(said))


def unit_of(leaf: Leaf) -> str:
    """The unit of a length, by name and description; minutes when nothing is said."""
    named = unit_in(leaf.path[-1])
    if named:
        return named
    found = re.search(r"millisecond|minute|hour|day|second", leaf.text)
    return {"millisecond": "ms"}.get(found.group(), f"{found.group()}s") if found else "minutes"


def choices_of(enum: list[Any]) -> dict[str, str]:
    """Our state → the choice that fits it best, for the states that have one."""
    by_name = {flat(str(choice)): str(choice) for choice in enum if choice is not None}
    found = {}
    for ours, theirs in STATES.items():
        fitting = next((by_name[word] for word in theirs if word in by_name), None)
        if fitting is not None:
            found[ours] = fitting
    return found


def _known_value(leaf: Leaf) -> Any:
    """What the schema itself gives: a constant, a default, the only choice."""
    if "const" in leaf.schema:
        return leaf.schema["const"]
    if "default" in leaf.schema:
        return leaf.schema["default"]
    enum = leaf.schema.get("enum")
    return enum[0] if isinstance(enum, list) and len(enum) == 1 else None


def has(mapping: Mapping[str, Any], field: str) -> bool:
    """Whether a mapping has a place for a field."""
    return any(slot["field"] == field for slot in mapping["slots"])


def slot_of(mapping: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The slot of a field, or an empty one."""
    return next((dict(slot) for slot in mapping["slots"] if slot["field"] == field), {})


def arguments_for(
    mapping: Mapping[str, Any], block: Mapping[str, Any], only: frozenset[str] | None = None
) -> dict[str, Any]:
    """Arguments for a tool from a block's values (see ``mapping.py``).

    ``only`` limits them to these fields, beside what names the block and what the tool requires. A value that is not
    known
    is left out; one that is None clears the field where the schema lets it.
    """
    arguments: dict[str, Any] = {}
    for path, value in mapping["constants"].items():
        _put(arguments, _path_of(path), value)
    for slot in mapping["slots"]:
        wanted = only is None or slot["required"] or slot["field"] in only or slot["field"] == "id"
        if wanted:
            _fill(arguments, slot, block)
    return arguments


def _path_of(dotted: str) -> list[str]:
    return [part for name in dotted.split(".") for part in ([name[:-2], ONE] if name.endswith("[]") else [name])]


def _fill(arguments: dict[str, Any], slot: Mapping[str, Any], block: Mapping[str, Any]) -> None:
    value = _value(slot, block)
    if value is None:
        return
    path = slot["path"]
    if EACH in path:
        place = path.index(EACH)
        value, path = [{path[place + 1]: entry} for entry in value], path[:place]
    _put(arguments, path, value)


def _value(slot: Mapping[str, Any], block: Mapping[str, Any]) -> Any:
    field, zone = slot["field"], ZoneInfo(block.get("timezone") or "UTC")
    if field in TIMES:
        return _time_value(field, slot, block, zone)
    value = block.get(field)
    if field == "all_day":
        return None if block.get("start") is None else not isinstance(block["start"], datetime)
    if field == "people":
        return None if value is None else coerce.people_out(tuple(value), slot, block.get("person_ids") or {})
    if field == "state":
        return {**slot["choices"], **(block.get("state_choices") or {})}.get(value or "")
    if value is None:
        return None
    if field in ("notes", "title", "url", "external_id"):
        return coerce.text_out(str(value), slot, str(block.get("notes_tail") or "") if field == "notes" else "")
    if slot.get("number") and str(value).isdecimal():
        return int(value)
    return [value] if slot.get("many") else value


def _time_value(field: str, slot: Mapping[str, Any], block: Mapping[str, Any], zone: ZoneInfo) -> Any:
    start, end = block.get("start"), block.get("end")
    if field in ("range_start", "range_end"):
        moment = block.get(field)
        if moment is None:
            return None
        return (coerce.start_out if field == "range_start" else coerce.end_out)(moment, slot, zone)
    if start is None or end is None:
        return None
    if field == "duration":
        return coerce.duration_out(start, end, slot, zone)
    return coerce.start_out(start, slot, zone) if field == "start" else coerce.end_out(end, slot, zone)


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for place, part in enumerate(path[:-1]):
        if part == ONE:
            continue
        if path[place + 1] == ONE:
            entries = target.setdefault(part, [{}])
            target = entries[0]
        else:
            target = target.setdefault(part, {})
    target[path[-1]] = value


def objections(tool: Tool, arguments: Mapping[str, Any]) -> list[str]:
    """What the tool's own schema has against these arguments."""
    return problems(tool["input_schema"], arguments)
