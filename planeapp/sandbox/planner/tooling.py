"""What a profile of MCP tools is made of, and the pieces of JSON Schema that several profiles use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jsonschema  # type: ignore[import-untyped]

from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.store import Doc

Run = Callable[[Schedule, Doc], Doc]


@dataclass(frozen=True)
class Tool:
    """One tool: ``run(schedule, arguments)`` gives the result and may raise Invalid (our field names) or NotFound.

    ``names`` translates our field names into the tool's for messages; ``does`` is "read", "write" or "delete".
    """

    name: str
    description: str
    scope: str
    does: str
    input_schema: Doc
    run: Run
    output_schema: Doc | None = None
    names: dict[str, str] = field(default_factory=dict)

    def complaint(self, arguments: Doc) -> str | None:
        """What the schema has against these arguments, as a sentence; None when it has nothing."""
        validator = jsonschema.validators.validator_for(self.input_schema, jsonschema.Draft202012Validator)
        checker = validator(self.input_schema, format_checker=validator.FORMAT_CHECKER)
        problem = next(iter(checker.iter_errors(arguments)), None)
        if problem is None:
            return None
        place = ".".join(str(part) for part in problem.absolute_path)
        return f"{place or 'arguments'}: {problem.message}"


@dataclass(frozen=True)
class Profile:
    """A set of tools. ``structured``: results also as structured content; ``page_size``: tools per list page."""

    name: str
    label: str
    tools: tuple[Tool, ...]
    structured: bool = True
    page_size: int | None = None

    def tool(self, name: str) -> Tool | None:
        """The tool of this name."""
        return next((tool for tool in self.tools if tool.name == name), None)


def text(description: str, **more: Any) -> Doc:
    """Schema of a string."""
    return {"type": "string", "description": description, **more}


def maybe(schema: Doc) -> Doc:
    """The schema, or null."""
    return {"anyOf": [{name: value for name, value in schema.items() if name != "description"}, {"type": "null"}]} | {
        name: value for name, value in schema.items() if name == "description"
    }


def record(properties: Doc, required: list[str] | None = None, more: Doc | None = None) -> Doc:
    """Schema of an object with these properties and no others; all required unless a list says which."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False} | (more or {})


def many(schema: Doc) -> Doc:
    """Schema of a list."""
    return {"type": "array", "items": schema}


NOTHING = record({})
