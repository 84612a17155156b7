"""A company rule as a form that grows: rows are added and taken away by its buttons, without script.

The shape of what is typed is checked here, its meaning by :class:`planeapp.customers.rules.RuleSpec`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from pydantic import ValidationError

from planeapp.customers.cache import CUSTOM
from planeapp.customers.rules import OWN_FIELD, PLACEHOLDERS, RuleSpec
from planeapp.dashboard.company_rule_choices import Choices
from planeapp.dashboard.company_rule_parts import ACTIONS, FORMS, ConditionForm, WhenForm

MOST_ROWS = 20
WORDS = {
    "missing": "Please fill this in.", "string_too_short": "Please fill this in.", "too_short": "Add at least one action.",
    "int_parsing": "Please give whole days, as in 7.", "uuid_parsing": "Choose a project.",
}  # fmt: skip
UNSEEN = "What it says now (not known just now)"
MISFIT = "cannot be asked of"
Row = dict[str, Any]


@dataclass
class Part:
    """One row of the form. ``name`` is its prefix; ``kind`` says what an action does."""

    name: str
    form: forms.Form
    kind: str = ""

    @property
    def title(self) -> str:
        """What an action does, in words."""
        return ACTIONS.get(self.kind, "")

    @property
    def listed(self) -> str:
        """The id of the values to choose from."""
        return f"values-{self.name}"


@dataclass
class Typed:
    """A rule as rows of plain values, whether typed or stored."""

    head: Row = field(default_factory=dict)
    only: list[Row] = field(default_factory=list)
    then: list[Row] = field(default_factory=list)

    def edited(self, do: str) -> None:
        """Add a row (``add:only``, ``add:comment``) or take one away (``drop:then-1``); anything else changes nothing."""
        verb, _, what = do.partition(":")
        if verb == "add" and what == "only" and len(self.only) < MOST_ROWS:
            self.only.append({})
        elif verb == "add" and what in ACTIONS and len(self.then) < MOST_ROWS:
            self.then.append({"do": what})
        elif verb == "drop":
            part, _, number = what.partition("-")
            rows = {"only": self.only, "then": self.then}.get(part, [])
            if number.isdecimal() and int(number) < len(rows):
                del rows[int(number)]


def typed(data: Mapping[str, str]) -> Typed:
    """What a browser sent."""
    return Typed(
        {name: data.get(name, "") for name in WhenForm.base_fields},
        list(_rows(data, "only", lambda row: list(ConditionForm.base_fields))),
        list(_rows(data, "then", lambda row: list(FORMS[row].base_fields) if row in FORMS else [])),
    )


def _rows(data: Mapping[str, str], part: str, names: Any) -> Iterator[Row]:
    for number in range(MOST_ROWS):
        kind = data.get(f"{part}-{number}-do")
        if kind is not None:
            yield {"do": kind} | {name: data.get(f"{part}-{number}-{name}", "") for name in names(kind)}


def stored(spec: Mapping[str, Any]) -> Typed:
    """A rule as it is stored (see :func:`planeapp.customers.rules.as_data`)."""
    when = spec.get("when") or {}
    only = [dict(row) for row in spec.get("only") or ()]
    return Typed({"name": spec.get("name", ""), **when}, only, [_listed(row) for row in spec.get("then") or ()])


def _listed(row: Mapping[str, Any]) -> Row:
    """An action as its form shows it: lists with commas."""
    return {**row, "labels": ", ".join(row["labels"])} if row.get("labels") else dict(row)


class RuleForm:
    """The whole form. ``check``: what was typed is to be looked at, not only shown again."""

    def __init__(self, rows: Typed, choices: Choices, *, check: bool = False) -> None:
        self.choices, self.check = choices, check
        self.when = self._made(WhenForm, "", rows.head, choices.when_fields)
        self.only = [
            Part(f"only-{number}", self._made(ConditionForm, f"only-{number}", row, choices.fields))
            for number, row in enumerate(rows.only)
        ]
        self.then = [
            Part(f"then-{number}", self._made(FORMS[row["do"]], f"then-{number}", row, choices.fields), row["do"])
            for number, row in enumerate(row for row in rows.then if row.get("do") in FORMS)
        ]  # fmt: skip
        for part in self.only:
            part.form.fields["value"].widget.attrs["list"] = part.listed
        self.faults: list[str] = []
        self.spec = self._spec() if check else None

    def _made(self, kind: type[forms.Form], prefix: str, row: Row, fields: Sequence[tuple[str, str]]) -> forms.Form:
        data = {f"{prefix}-{name}" if prefix else name: value for name, value in row.items()}
        form = kind(data, prefix=prefix or None) if self.check else kind(initial=row, prefix=prefix or None)
        for name, known in (("field", fields), ("project_id", self.choices.projects)):
            if name in form.fields:
                form.fields[name].choices = _with_own(known, str(row.get(name) or ""))  # type: ignore[attr-defined]
        return form

    @property
    def parts(self) -> list[forms.Form]:
        """Every form of it."""
        return [self.when, *(part.form for part in (*self.only, *self.then))]

    @property
    def errors(self) -> bool:
        """Whether something is wrong with it."""
        return bool(self.check and (self.faults or any(form.errors for form in self.parts)))

    @property
    def hints(self) -> Iterator[tuple[str, list[str]]]:
        """Lists of values that occur, by their id."""
        yield "values-when", self.choices.values(str(self.when["field"].value() or "phase"))
        for part in self.only:
            yield part.listed, self.choices.values(str(part.form["field"].value() or "phase"))

    def _spec(self) -> RuleSpec | None:
        """The rule, from valid input; None with the faults at their fields."""
        if sum(not form.is_valid() for form in self.parts):  # all are looked at, so that all faults show
            return None
        try:
            return RuleSpec.model_validate(self._data())
        except ValidationError as error:
            for fault in error.errors():
                self._tell(fault)
            return None

    def _data(self) -> dict[str, Any]:
        head = self.when.cleaned_data
        when = {
            "test": head["test"],
            "field": "" if head["test"] in OWN_FIELD else head["field"],
            "value": head["value"],
        }
        return {
            "name": head["name"], "when": when, "only": [part.form.cleaned_data for part in self.only],
            "then": [_action(part) for part in self.then],
        }  # fmt: skip

    def _tell(self, fault: Any) -> None:
        where = fault["loc"]
        text = WORDS.get(fault["type"], str(fault["msg"]).removeprefix("Value error, ").rstrip(".") + ".")
        form = self._form_at(where)
        if form is not None and MISFIT in text:
            text = _misfit(form)
        names = [str(part) for part in where if form is not None and part in form.fields]
        if form is None:
            self.faults.append(text[:1].upper() + text[1:])
        else:
            form.add_error(names[-1] if names else None, text[:1].upper() + text[1:])

    def _form_at(self, where: Sequence[Any]) -> forms.Form | None:
        if where and where[0] in ("name", "when"):
            return self.when
        if len(where) > 1 and where[0] in ("only", "then"):
            part: Part = (self.only if where[0] == "only" else self.then)[where[1]]
            return part.form
        return None

    @property
    def placeholders(self) -> list[str]:
        """What texts may hold."""
        return [f"{{{name}}}" for name in PLACEHOLDERS]


def _with_own(known: Sequence[tuple[str, str]], own: str) -> list[tuple[str, str]]:
    """The choices, with what the rule says already though nobody knows it just now: a select would drop it unseen."""
    if not own or own in dict(known):
        return list(known)
    return [*known, (own, own.removeprefix(CUSTOM) if own.startswith(CUSTOM) else UNSEEN)]


def _misfit(form: forms.Form) -> str:
    """That a test is not for this field, in the words of the form."""
    told = [dict(form.fields[name].choices).get(form.cleaned_data.get(name), "") for name in ("test", "field")]  # type: ignore[attr-defined]
    return f"“{told[0]}” does not go with {told[1]}. Choose another field or another test."


def _action(part: Part) -> Row:
    row = {"do": part.kind} | part.form.cleaned_data
    if part.kind == "create_item":
        row["state"] = row["state"] or None
        row["labels"] = [name.strip() for name in row["labels"].split(",") if name.strip()]
    return row
