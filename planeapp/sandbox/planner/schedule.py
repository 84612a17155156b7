"""Projects, people and blocks: the rows, what may be in them, and the one way in which they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, get_args
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planner import times
from planeapp.sandbox.store import Doc, Store

Status = Literal["planned", "confirmed", "done", "cancelled"]
STATUSES: tuple[str, ...] = get_args(Status)
ZONES = available_timezones()
Tell = Callable[[str, Doc], None]


class NotFound(Exception):
    """There is no such block."""


class Invalid(Exception):
    """Values that a block cannot have: ``errors`` is ``[{"field": <our name>, "message": …}]``."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors

    def renamed(self, names: Mapping[str, str]) -> Invalid:
        """The same with the field names of whoever asked."""
        return Invalid([{**error, "field": names.get(error["field"], error["field"])} for error in self.errors])


def _web_address(value: str | None) -> str | None:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value or None


def _zone(value: str) -> str:
    if value not in ZONES:
        raise ValueError("must be an IANA timezone, such as Europe/Stockholm")
    return value


class BlockFields(BaseModel):
    """What a person or a program may set. ``start`` and ``end``: see :mod:`planeapp.sandbox.planner.times`."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)

    project_id: str
    title: Annotated[str, Field(min_length=1, max_length=255)]
    start: str
    end: str | None = None
    all_day: bool | None = None
    timezone: Annotated[str, AfterValidator(_zone)]
    assignees: list[str] = []
    notes: Annotated[str, Field(max_length=10_000)] = ""
    url: Annotated[str | None, Field(max_length=2_000), AfterValidator(_web_address)] = None
    status: Status = "planned"
    external_id: Annotated[str | None, Field(max_length=255)] = None
    color: Annotated[str | None, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = None


class Schedule:
    """The blocks and what they refer to. ``tell(type, block)`` is called after each change with the row as it is."""

    def __init__(self, store: Store, clock: Clock, tell: Tell) -> None:
        self.store, self.clock, self.tell = store, clock, tell

    def projects(self) -> list[Doc]:
        """``{id, name, timezone, color}`` each."""
        return self.store.all("projects")

    def people(self) -> list[Doc]:
        """``{id, name, email}`` each."""
        return self.store.all("people")

    def blocks(self, project_id: str | None = None, first: str | None = None, last: str | None = None) -> list[Doc]:
        """Blocks by start; ``first`` and ``last`` (dates or date-times) keep those that overlap. Raises Invalid."""
        found = self.store.find("blocks", project_id=project_id) if project_id else self.store.all("blocks")
        if first or last:
            low, high = _window(first, last)
            found = [block for block in found if _overlaps(block, low, high)]
        return sorted(found, key=lambda block: times.span(block)[0].timestamp())

    def get(self, block_id: str) -> Doc:
        """The row. Raises NotFound."""
        block = self.store.get("blocks", block_id)
        if block is None:
            raise NotFound(f"There is no block {block_id}.")
        return block

    def create(self, fields: Doc) -> Doc:
        """A new block of these fields. Raises Invalid."""
        now = self._now()
        block = {"id": f"blk_{uuid4().hex[:16]}", **self._checked(fields), "created_at": now, "updated_at": now}
        self.store.put("blocks", block["id"], block)
        self.tell("block.created", block)
        return block

    def update(self, block_id: str, fields: Doc) -> Doc:
        """The block with these fields changed; no change, no event. Raises NotFound, Invalid."""
        old = self.get(block_id)
        kept = {name: old[name] for name in BlockFields.model_fields}
        new = {**old, **self._checked(kept | fields)}
        if new == old:
            return old
        new["updated_at"] = self._now()
        self.store.put("blocks", block_id, new)
        self.tell("block.updated", new)
        return new

    def delete(self, block_id: str) -> Doc:
        """Forgets the block and gives its last state. Raises NotFound."""
        block = self.get(block_id)
        self.store.delete("blocks", block_id)
        self.tell("block.deleted", block)
        return block

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _checked(self, fields: Doc) -> Doc:
        project = self.store.get("projects", str(fields.get("project_id")))
        fields = {"timezone": project["timezone"] if project else "UTC"} | fields
        try:
            known = BlockFields.model_validate(fields)
        except ValidationError as error:
            raise Invalid([_told(problem) for problem in error.errors()]) from error
        if project is None:
            raise Invalid([{"field": "project_id", "message": "is not a project of this workspace"}])
        checked = known.model_dump() | {"assignees": self._people(known.assignees)}
        try:
            checked["start"], checked["end"], checked["all_day"] = times.canonical(
                known.start, known.end, known.all_day, ZoneInfo(known.timezone)
            )
        except times.BadTime as error:
            raise Invalid([{"field": error.field, "message": str(error)}]) from error
        return checked

    def _people(self, named: list[str]) -> list[str]:
        """Ids for people named by id or e-mail address."""
        known = {person[key].lower(): person["id"] for person in self.people() for key in ("id", "email")}
        strangers = [name for name in named if name.lower() not in known]
        if strangers:
            raise Invalid([{"field": "assignees", "message": f"nobody here is {strangers[0]}"}])
        return list(dict.fromkeys(known[name.lower()] for name in named))


def _told(problem: Any) -> dict[str, str]:
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "is required"
    return {"field": str(problem["loc"][0]), "message": message}


def _window(first: str | None, last: str | None) -> tuple[float, float]:
    try:
        low = times.span({"timezone": "UTC", "start": first, "end": first})[0].timestamp() if first else float("-inf")
        high = times.span({"timezone": "UTC", "start": last, "end": last})[1].timestamp() if last else float("inf")
    except times.BadTime as error:
        raise Invalid([{"field": "from" if error.field == "start" else "to", "message": str(error)}]) from error
    return low, high


def _overlaps(block: Doc, low: float, high: float) -> bool:
    begin, finish = times.span(block)
    return begin.timestamp() < high and finish.timestamp() > low
