"""JSON Schemas of tools, walked and checked. Only local references are followed; nothing is ever fetched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
from jsonschema.validators import validator_for  # type: ignore[import-untyped]
from referencing import Registry
from referencing.exceptions import Unresolvable

from planeapp.providers.planner.words import FIELDS, names_of

MAX_DEPTH = 4
ONE = "[]"
"""In a path: the single entry of a list of objects (a batch tool that gets one)."""
EACH = "[*]"
"""In a path: every entry of a list of objects (people as objects)."""

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A place for a value. ``required`` when it and everything above it is."""

    path: tuple[str, ...]
    schema: Schema
    required: bool

    @property
    def text(self) -> str:
        """Name and description, in lower case, for hints about units and forms."""
        said = self.schema.get("description") or self.schema.get("title") or ""
        return f"{self.path[-1]} {said}".lower()

    @property
    def type(self) -> str:
        """JSON type, ``""`` when not said."""
        return type_of(self.schema)

    @property
    def dotted(self) -> str:
        """The path as people write it."""
        return ".".join(self.path).replace(f".{ONE}", "[]").replace(f".{EACH}", "[]")


def type_of(schema: Schema) -> str:
    """The first type that is not null, or ``""``."""
    found = schema.get("type")
    if isinstance(found, list):
        found = next((kind for kind in found if kind != "null"), "")
    if not found and "properties" in schema:
        return "object"
    return found if isinstance(found, str) else ""


def resolve(schema: Any, root: Schema) -> Schema:
    """The schema behind local references, with ``anyOf``/``oneOf`` with null unwrapped and ``allOf`` merged."""
    for _ in range(8):
        if not isinstance(schema, Mapping):
            return {}
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**_pointed(str(schema["$ref"]), root), **rest}
        elif _choice(schema):
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            schema = {**_first_real(_choice(schema)), **rest}
        elif "allOf" in schema:
            schema = _merged(schema, root)
        else:
            return schema
    return {}


def _pointed(reference: str, root: Schema) -> Schema:
    if not reference.startswith("#"):
        return {}
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if key:
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _choice(schema: Schema) -> list[Any]:
    found = schema.get("anyOf") or schema.get("oneOf") or []
    return found if isinstance(found, list) else []


def _first_real(choice: list[Any]) -> Schema:
    real = [part for part in choice if isinstance(part, Mapping) and part.get("type") != "null"]
    return real[0] if real else {}


def _merged(schema: Schema, root: Schema) -> Schema:
    parts = [{key: value for key, value in schema.items() if key != "allOf"}]
    parts += [dict(resolve(part, root)) for part in schema["allOf"]]
    whole: dict[str, Any] = {}
    for part in parts:
        properties = {**whole.get("properties", {}), **part.get("properties", {})}
        required = [*whole.get("required", []), *part.get("required", [])]
        whole |= part
        if properties:
            whole |= {"properties": properties, "required": required}
    return whole


def leaves(root: Schema) -> list[Leaf]:
    """Every place for a value in an object schema, in its order, down to a fixed depth."""
    return list(_walk(resolve(root, root), root, (), True))


def _walk(schema: Schema, root: Schema, path: tuple[str, ...], required: bool) -> Iterator[Leaf]:
    needed = schema.get("required") or []
    for name, part in (schema.get("properties") or {}).items():
        inner = resolve(part, root)
        here, must = (*path, name), required and name in needed
        kind = type_of(inner)
        if kind == "object" and inner.get("properties") and len(here) < MAX_DEPTH:
            yield from _walk(inner, root, here, must)
        elif kind == "array":
            yield from _walk_list(inner, root, here, must)
        else:
            yield Leaf(here, inner, must)


def _walk_list(schema: Schema, root: Schema, path: tuple[str, ...], required: bool) -> Iterator[Leaf]:
    entry = resolve(schema.get("items") or {}, root)
    if type_of(entry) != "object" or len(path) >= MAX_DEPTH:
        yield Leaf(path, {**schema, "items": entry}, required)
        return
    properties = {name: resolve(part, root) for name, part in (entry.get("properties") or {}).items()}
    person = next((name for name in ("email", "id", "userId", "personId") if name in properties), "")
    if person and set(names_of(path)) & set(FIELDS["people"]):
        yield Leaf((*path, EACH, person), properties[person], required)
    elif required:
        yield from _walk(entry, root, (*path, ONE), required)


def skeleton(root: Schema) -> Any:
    """A value in the shape that a schema describes, with ``"x"`` in every place: what answers tell, not what they say."""
    return _bones(resolve(root, root), root, 0)


def _bones(schema: Schema, root: Schema, depth: int) -> Any:
    kind = type_of(schema)
    if depth > MAX_DEPTH or kind not in ("object", "array"):
        return "x"
    if kind == "array":
        return [_bones(resolve(schema.get("items") or {}, root), root, depth + 1)]
    return {
        name: _bones(resolve(part, root), root, depth + 1) for name, part in (schema.get("properties") or {}).items()
    }


def problems(schema: Schema, arguments: Mapping[str, Any]) -> list[str]:
    """What a schema has against these arguments, as ``place: message``; a broken schema is no objection."""
    return [f"{place}: {message}" if place else message for _, place, message in _objections(schema, arguments)]


def missing(schema: Schema, arguments: Mapping[str, Any]) -> list[str]:
    """Only the objections that something required is absent."""
    return [
        f"{place}: {message}" if place else message
        for kind, place, message in _objections(schema, arguments)
        if kind == "required"
    ]


def _objections(schema: Schema, arguments: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    kind = validator_for(schema, default=Draft202012Validator)
    checker = kind(dict(schema), format_checker=kind.FORMAT_CHECKER, registry=Registry())
    try:
        found = sorted(checker.iter_errors(dict(arguments)), key=lambda error: list(map(str, error.absolute_path)))
        return [(str(error.validator), ".".join(map(str, error.absolute_path)), error.message[:200]) for error in found]
    except (Unresolvable, SchemaError, TypeError, ValueError):
        return []


def fingerprint(value: Any) -> str:
    """A short hash of canonical JSON: equal for equal schemas."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
