"""A pair's settings beside its field rules, as they are stored, typed in a form and written in the settings file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Direction = Literal["off", "out", "in", "both"]
Winner = Literal["plane", "vendor", "newest", "ask"]
State = Literal["backlog", "unstarted", "started", "completed", "cancelled"]
Priority = Literal["urgent", "high", "medium", "low", "none"]
DAY = re.compile(r"\d{4}-\d\d-\d\d")
CLOCK = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")  # without an offset: the pair's zone has it
SHORTEST_DAY = timedelta(minutes=5)


class Part(BaseModel):
    """Unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldRule(Part):
    """One field's direction and who wins when both sides changed it."""

    direction: Direction
    winner: Winner = "plane"


class Filters(Part):
    """Which work items are kept in step; an empty list asks for nothing.

    ``labels``: it has one of them (letter case does not matter). ``people``: it is assigned to one of these addresses, or
    to anybody when ``assigned``. ``dated_from``, ``dated_until``: its days touch this stretch; an item without days passes
    (that is the provider's own rule).
    """

    states: tuple[State, ...] = ()
    priorities: tuple[Priority, ...] = ()
    labels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    assigned: bool = False
    dated_from: date | None = None
    dated_until: date | None = None

    @field_validator("people")
    @classmethod
    def _lower(cls, told: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({address.strip().lower() for address in told if address.strip()}))

    @field_validator("dated_from", "dated_until", mode="before")
    @classmethod
    def _as_days_are_written(cls, told: Any) -> Any:
        if isinstance(told, str) and not DAY.fullmatch(told):
            raise ValueError("write a day like 2026-11-23")  # pydantic would take digits alone for seconds since 1970
        return told

    @model_validator(mode="after")
    def _in_order(self) -> Filters:
        if self.dated_from and self.dated_until and self.dated_until < self.dated_from:
            raise ValueError("dated_until lies before dated_from")
        return self


class Timing(Part):
    """How days become times, and how long a new row is.

    ``mode``: ``days`` makes rows of whole days, ``times`` rows within the working hours (``opens`` to ``closes`` on
    ``weekdays``, 0 is Monday; all in the pair's time zone). ``minutes`` is the length where nothing else tells it;
    ``estimates`` gives minutes for an estimate's name or number.
    """

    mode: Literal["days", "times"] = "days"
    opens: time = time(9)
    closes: time = time(17)
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    minutes: int = Field(default=60, ge=5, le=60 * 24 * 60)
    estimates: Mapping[str, int] = Field(default_factory=dict)

    @field_validator("opens", "closes", mode="before")
    @classmethod
    def _as_clocks_show(cls, told: Any) -> Any:
        if not isinstance(told, time) and not CLOCK.fullmatch(str(told)):
            raise ValueError("write a time like 09:00")  # pydantic would take 9 for nine seconds after midnight
        return told

    @field_validator("weekdays")
    @classmethod
    def _real_days(cls, told: tuple[int, ...]) -> tuple[int, ...]:
        if not told or not set(told) <= set(range(7)):
            raise ValueError("name at least one day, 0 (Monday) to 6 (Sunday)")
        return tuple(sorted(set(told)))

    @field_validator("estimates")
    @classmethod
    def _real_lengths(cls, told: Mapping[str, int]) -> Mapping[str, int]:
        if any(not 5 <= minutes <= 60 * 24 * 60 for minutes in told.values()):
            raise ValueError("an estimate stands for 5 minutes to 60 days (86400 minutes)")
        return told

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Timing:
        if self.closes <= self.opens:
            raise ValueError("closes must be later than opens")
        if datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens) < SHORTEST_DAY:
            raise ValueError("closes must be at least 5 minutes later than opens")
        return self


class Options(Part):
    """Everything about a pair that is not a field rule.

    ``deletes``: what becomes of a row that we made when its work item is deleted: ``unlink`` leaves it, ``delete``
    removes it if nobody changed it since. ``show_link``: the row's address is put on the work item. ``people``: address
    in Plane → address over there, for people who use two.
    """

    filters: Filters = Filters()
    timing: Timing = Timing()
    deletes: Literal["unlink", "delete"] = "unlink"
    show_link: bool = True
    people: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("people")
    @classmethod
    def _addresses(cls, told: Mapping[str, str]) -> Mapping[str, str]:
        found = {mine.strip().lower(): their.strip().lower() for mine, their in told.items()}
        if any("@" not in address for pair in found.items() for address in pair):
            raise ValueError("give two e-mail addresses for each person")
        if len(set(found.values())) < len(found):
            raise ValueError("two people in Plane have one address over there")
        return found


def options_of(stored: Mapping[str, Any]) -> Options:
    """The options of a pair's row."""
    return Options.model_validate(stored)


def as_data(options: Options) -> dict[str, Any]:
    """JSON-able form; what has its default is left out."""
    return options.model_dump(mode="json", exclude_defaults=True)


def faults(error: ValidationError) -> list[str]:
    """What is wrong, one line each: ``filters.states.0: …``. Unknown names are refused by name."""
    return [_fault(found) for found in error.errors()]


def _fault(found: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"{where}: there is no such setting"
    return f"{where}: {str(found['msg']).removeprefix('Value error, ')}" if where else str(found["msg"])
