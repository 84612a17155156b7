"""Rules: when something changes about a company, then do this in Plane. Plain data, checked when it is saved; no I/O.

A form, the settings file and the engine use the same :class:`RuleSpec`. :func:`steps` gives the plan: what the preview shows
is what is stored when a rule fires, and what is done then.
"""

from __future__ import annotations

from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from django.utils import timezone
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)  # fmt: skip

from planeapp.customers.rule_steps import steps
from planeapp.customers.rule_tests import CONDITIONS, number, turned
from planeapp.customers.rule_texts import LONGEST_LINE, PLACEHOLDERS, Known, unknown_names
from planeapp.providers.base import COMPANY_FIELDS

if TYPE_CHECKING:
    from planeapp.customers.models import CompanyChange, CompanyRule

__all__ = [
    "PLACEHOLDERS", "Action", "Assign", "Condition", "CreateItem", "PutLabel", "RuleSpec", "Say", "When", "as_data", "fires",
    "holds", "spec_of", "steps",
]  # fmt: skip

CUSTOM = "custom:"
LONGEST_TEXT, LONGEST_DAYS = 10_000, 3650
TEXTS, FIGURES, LISTS = ("phase", "status", "owner"), ("health", "revenue"), ("tags",)
CHOICE, FIGURE, PART = ("becomes", "leaves", "is", "is_not"), ("below", "above"), ("gains", "loses", "has", "has_not")
FITTING = {**dict.fromkeys(CHOICE, TEXTS + FIGURES), **dict.fromkeys(FIGURE, FIGURES), **dict.fromkeys(PART, LISTS)}
"""Test → the fields that it can look at. A field of the customer's own can be looked at by each of these."""
OWN_FIELD = {"within": "renewal", "created": "created"}
"""Tests that are about one field only, so that it need not be named."""


def _placeholders(text: str) -> str:
    if found := unknown_names(text):
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"there is no {found[0]}; these can be used: {known}")
    return text


def _person(told: str) -> str:
    if told != "owner" and "@" not in told.strip("@"):
        raise ValueError("give an e-mail address, or owner")
    return told


Text = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_placeholders)]
Short = Annotated[Text, Field(min_length=1, max_length=LONGEST_LINE)]
Who = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254), AfterValidator(_person)]
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
State = Literal["backlog", "unstarted", "started", "completed", "cancelled"]
Priority = Literal["urgent", "high", "medium", "low", "none"]
Value = str | float | None


class Part(BaseModel):
    """Unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _field(told: str, test: str) -> str:
    """The field, when the test can be asked of it."""
    if not told or told == CUSTOM:
        raise ValueError("name the field")
    if told.startswith(CUSTOM):
        return told
    if told not in COMPANY_FIELDS:
        raise ValueError(f"there is no field {told}; choose one of {', '.join(COMPANY_FIELDS)} or custom:<name>")
    if test in FITTING and told not in FITTING[test]:
        raise ValueError(f"{test} cannot be asked of {told}; it is for {', '.join(FITTING[test])} and custom fields")
    return told


def _plain(told: Any) -> Any:
    """Truth values as people write them; texts without blanks at the edges."""
    if isinstance(told, bool):
        return "yes" if told else "no"
    return told.strip() if isinstance(told, str) else told


def _value(told: Value, test: str) -> Value:
    if told is None or told == "":
        raise ValueError(f"say what {test} means here: a value is missing")
    if test not in (*FIGURE, "within"):
        return told
    found = number(told)
    if found is None or not isfinite(found):
        raise ValueError("give a number like 4 or 4.5")
    if test == "within" and not (found.is_integer() and 0 <= found <= LONGEST_DAYS):
        raise ValueError(f"give whole days, 0 to {LONGEST_DAYS}")
    return found


class When(Part):
    """The change that a rule waits for.

    ``becomes``/``leaves`` a text or figure, ``changes`` in any way, ``below``/``above`` a figure (on crossing only),
    ``gains``/``loses`` a tag; ``within``: the renewal is at most ``value`` days ahead; ``created``: the company is new.
    """

    test: Literal["becomes", "leaves", "changes", "below", "above", "gains", "loses", "within", "created"]
    field: str = Field(default="", validate_default=True)
    value: Value = Field(default=None, validate_default=True)

    _plain = field_validator("value", mode="before")(_plain)

    @field_validator("field")
    @classmethod
    def _fits(cls, told: str, info: ValidationInfo) -> str:
        test = info.data.get("test", "")
        if test in OWN_FIELD:
            if told not in ("", OWN_FIELD[test]):
                raise ValueError(f"{test} is about {OWN_FIELD[test]} alone")
            return OWN_FIELD[test]
        return _field(told.strip(), test)

    @field_validator("value")
    @classmethod
    def _given(cls, told: Value, info: ValidationInfo) -> Value:
        test = info.data.get("test", "created")
        return None if test in ("changes", "created") else _value(told, test)


class Condition(Part):
    """What must hold of the company as well, as it is after the change."""

    test: Literal["is", "is_not", "below", "above", "has", "has_not"]
    field: str
    value: Value

    _plain = field_validator("value", mode="before")(_plain)

    @field_validator("field")
    @classmethod
    def _fits(cls, told: str, info: ValidationInfo) -> str:
        return _field(told.strip(), info.data.get("test", ""))

    @field_validator("value")
    @classmethod
    def _given(cls, told: Value, info: ValidationInfo) -> Value:
        return _value(told, info.data.get("test", ""))

    def holds(self, company: Known) -> bool:
        """Whether it holds now."""
        return CONDITIONS[self.test](company.values.get(self.field), self.value)


class CreateItem(Part):
    """Make a work item that is tied to the company. ``start_in``/``due_in``: days from the day on which the rule fires;
    ``assign``: ``owner`` (the company's, by e-mail address) or an address; a missing ``state`` leaves it to Plane."""

    do: Literal["create_item"]
    project_id: UUID
    title: Short
    notes: Annotated[Text, Field(max_length=LONGEST_TEXT)] = ""
    state: State | None = None
    priority: Priority = "none"
    labels: Annotated[list[Short], Field(max_length=20)] = []
    assign: Who | Literal[""] = ""
    start_in: Days | None = None
    due_in: Days | None = None

    @model_validator(mode="after")
    def _in_order(self) -> CreateItem:
        if self.start_in is not None and self.due_in is not None and self.due_in < self.start_in:
            raise ValueError("due_in lies before start_in")
        return self


class PutLabel(Part):
    """Give every open work item of the company a label, made when the project has none of this name."""

    do: Literal["label"]
    label: Short


class Say(Part):
    """Comment on every open work item of the company."""

    do: Literal["comment"]
    text: Annotated[Text, Field(min_length=1, max_length=LONGEST_TEXT)]


class Assign(Part):
    """Assign every open work item of the company to somebody as well, who is there already stays."""

    do: Literal["assign"]
    who: Who


Action = Annotated[CreateItem | PutLabel | Say | Assign, Field(discriminator="do")]


class RuleSpec(Part):
    """A rule: ``when`` this changes and all of ``only`` hold, ``then`` do these, in this order."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    when: When
    only: Annotated[list[Condition], Field(max_length=20)] = []
    then: Annotated[list[Action], Field(min_length=1, max_length=20)]


def spec_of(rule: CompanyRule) -> RuleSpec:
    """A stored rule. pydantic's ValidationError for one that this version does not understand."""
    return RuleSpec.model_validate({name: getattr(rule, name) for name in RuleSpec.model_fields})


def as_data(spec: RuleSpec) -> dict[str, Any]:
    """JSON-able: ``name``, ``when``, ``only`` and ``then`` as a :class:`CompanyRule` keeps them."""
    return {**spec.model_dump(mode="json", exclude_defaults=True), "only": [one.model_dump() for one in spec.only]}


def fires(spec: RuleSpec, company: Known, change: CompanyChange, *, today: date | None = None) -> bool:
    """Whether the rule fires for this change of the company (which is as it is after the change).

    ``today`` counts for ``within`` alone.
    """
    when = spec.when
    if change.field != when.field or not holds(spec, company):
        return False
    return turned(when.test, when.value, change.before, change.after, today or timezone.localdate())


def holds(spec: RuleSpec, company: Known) -> bool:
    """Whether all conditions hold."""
    return all(condition.holds(company) for condition in spec.only)
