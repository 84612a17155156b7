"""A pair's rules as a form: the shape of what is typed is checked here, its meaning by :mod:`planeapp.sync.options`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from django import forms
from django.forms.boundfield import BoundField
from pydantic import ValidationError

from planeapp.dashboard.zones import LongSelect, zone_choices
from planeapp.providers import provider_class
from planeapp.providers.base import Field
from planeapp.sync.models import ProjectPair
from planeapp.sync.options import FieldRule, Filters, Options, Timing, as_data, options_of

STATES = [("backlog", "Backlog"), ("unstarted", "Unstarted"), ("started", "Started"), ("completed", "Completed"),
          ("cancelled", "Cancelled")]  # fmt: skip
PRIORITIES = [(name, name.capitalize()) for name in ("urgent", "high", "medium", "low", "none")]
WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
PARTS = {"filters": Filters.model_fields, "timing": Timing.model_fields}
OF_A_PART = {"filters": "dated_until", "timing": "closes"}
"""The field that shows what is wrong with several fields of a part together."""
WORDS = {
    "dated_until": "The last day lies before the first.",
    "closes": "Work has to end later than it begins.",
    "weekdays": "Choose at least one day.",
    "minutes": "A row is at least 5 minutes and at most 60 days (86400 minutes) long.",
    "estimates": "An estimate stands for whole minutes, from 5 to 86400 (60 days)",
}
LONGEST = 10_000


class LinesField(forms.CharField):
    """Several short texts, separated by commas or lines. What was stored with a comma in it (``kept``) stays whole."""

    kept: frozenset[str] = frozenset()

    def __init__(self, label: str, help_text: str) -> None:
        area = forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})
        super().__init__(label=label, help_text=help_text, required=False, max_length=LONGEST, widget=area)

    def clean(self, value: Any) -> list[str]:
        """The texts, each once."""
        lines = [line.strip() for line in super().clean(value).splitlines()]
        parts = (part.strip() for line in lines for part in ([line] if line in self.kept else line.split(",")))
        return list(dict.fromkeys(part for part in parts if part))


class TableField(LinesField):
    """Lines such as ``one = other``."""

    def clean(self, value: Any) -> dict[str, str]:  # type: ignore[override]  # a table is another kind of list
        """Left side → right side."""
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, forms.CharField.clean(self, value).splitlines())):
            left, sign, right = (part.strip() for part in line.partition("="))
            if not (left and sign and right):
                raise forms.ValidationError(f"“{line}” is not understood. Write one in each line, with = in between.")
            if left in found:
                raise forms.ValidationError(f"“{left}” is there twice.")
            found[left] = right
        return found


def _day(label: str, help_text: str = "") -> forms.DateField:
    return forms.DateField(
        label=label, help_text=help_text, required=False, input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Please give a day of the calendar, as in 2026-03-31."},
    )  # fmt: skip


def _time(label: str) -> forms.TimeField:
    told = "Please give a time, as in 09:00."
    return forms.TimeField(
        label=label, input_formats=["%H:%M", "%H:%M:%S"], error_messages={"invalid": told, "required": told},
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )  # fmt: skip


def _boxes(label: str, choices: Iterable[tuple[Any, str]], help_text: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=list(choices), help_text=help_text, required=False, widget=forms.CheckboxSelectMultiple
    )


class Line(NamedTuple):
    """A field of the provider with its two choices."""

    known: Field
    direction: BoundField
    winner: BoundField


class RulesForm(forms.Form):
    """Everything about a pair that an admin may set. Names of fields are those of ``Options``, but for ``assignees``
    (``filters.people``: ``people`` is the table of addresses), ``direction_…`` and ``winner_…``."""

    states = _boxes("States", STATES, "Groups of states. None ticked: all of them.")
    priorities = _boxes("Priorities", PRIORITIES, "None ticked: all of them.")
    labels = LinesField("Labels", "One of these is enough; separated by commas or lines.")
    assignees = LinesField("Assigned to one of", "E-mail addresses, separated by commas or lines.")
    assigned = forms.BooleanField(label="Only work items that are assigned to somebody", required=False)
    dated_from = _day("Dated from", "Work items without days pass both.")
    dated_until = _day("Dated until")
    mode = forms.ChoiceField(
        label="New rows are made of", choices=[("days", "Whole days"), ("times", "Times within the working hours")],
        widget=forms.RadioSelect,
    )  # fmt: skip
    opens = _time("Work begins at")
    closes = _time("Work ends at")
    weekdays = _boxes("Working days", WEEKDAYS)
    minutes = forms.IntegerField(
        label="Usual length in minutes", help_text="Where neither days nor an estimate tell the length.",
        error_messages={"invalid": "Please give a whole number of minutes.", "required": "Please give a number of minutes."},
    )  # fmt: skip
    estimates = TableField("Estimates", "Minutes for each estimate, one in each line: 3 = 120")
    zone = forms.ChoiceField(
        label="Time zone", help_text="Days and times of this project are understood in it.", widget=LongSelect
    )
    deletes = forms.ChoiceField(label="When a work item is deleted in Plane", widget=forms.RadioSelect)
    show_link = forms.BooleanField(label="Put a link to the row on the work item", required=False)
    people = TableField("People with two addresses", "One in each line: ada@plane.example = ada@other.example")

    def __init__(self, data: Any, pair: ProjectPair, *, shut: bool = False) -> None:
        """``shut``: to look at only."""
        self.pair, self.vendor = pair, provider_class(pair.connection.provider)
        self.stored, self.rules_before = options_of(pair.options), _rules_of(pair, self.vendor.fields)
        self.options = self.stored
        super().__init__(data, initial=_initial(self.stored, self.rules_before, pair.zone))
        for known in self.vendor.fields:
            self._add(known)
        self._choose()
        for field in self.fields.values():
            field.disabled = shut

    def _add(self, known: Field) -> None:
        """The two choices for a field of the provider."""
        name = self.vendor.name
        ways = {"off": "Off", "out": f"Plane → {name}", "in": f"{name} → Plane", "both": "Both ways"}
        winners = {"plane": "Plane wins", "vendor": f"{name} wins", "newest": "The newest wins", "ask": "Ask me"}
        self.fields[f"direction_{known.name}"] = forms.ChoiceField(
            label=f"Direction of {known.label}", choices=[(way, ways[way]) for way in known.directions]
        )
        self.fields[f"winner_{known.name}"] = forms.ChoiceField(
            label=f"When both sides changed {known.label}", choices=list(winners.items())
        )

    def _choose(self) -> None:
        """Choices that depend on the pair."""
        self.fields["zone"].choices = zone_choices(self.pair.zone)  # type: ignore[attr-defined]
        self.fields["deletes"].choices = [  # type: ignore[attr-defined]
            ("unlink", f"Its row in {self.vendor.name} stays"),
            ("delete", f"Its row in {self.vendor.name} is deleted too, if we made it and nobody changed it since"),
        ]
        self.fields["labels"].kept = frozenset(self.stored.filters.labels)  # type: ignore[attr-defined]

    @property
    def lines(self) -> Iterator[Line]:
        """The provider's fields, for the page."""
        for known in self.vendor.fields:
            yield Line(known, self[f"direction_{known.name}"], self[f"winner_{known.name}"])

    def clean(self) -> dict[str, Any]:
        """What was typed has to make sense as a whole, too."""
        typed = self.cleaned_data
        parts = {
            part: {name: typed[_shown(part, name)] for name in fields if _shown(part, name) in typed}
            for part, fields in PARTS.items()
        }
        alone = {name: typed[name] for name in ("deletes", "show_link", "people") if name in typed}
        try:
            self.options = Options.model_validate({**parts, **alone})
        except ValidationError as error:
            for fault in error.errors():
                self._tell(fault["loc"], str(fault["msg"]))
        return typed

    def _tell(self, where: tuple[int | str, ...], text: str) -> None:
        """A fault at its field, once, in words for people; one that the field's own shape explains is left out."""
        part = str(where[0])
        name = part if part not in PARTS else _shown(part, str(where[1])) if len(where) > 1 else OF_A_PART[part]
        text = text.removeprefix("Value error, ").rstrip(".")
        text = WORDS.get(name, f"{text[:1].upper()}{text[1:]}").rstrip(".")
        if name == "estimates" and len(where) > 2:
            text = f"{text}; please look at “{where[2]}”"
        if name not in self.errors:
            self.add_error(name, f"{text}.")

    def rules(self) -> dict[str, dict[str, str]]:
        """Field → rule, as a pair stores it; from valid input."""
        typed = self.cleaned_data
        return {
            known.name: FieldRule(
                direction=typed[f"direction_{known.name}"], winner=typed[f"winner_{known.name}"]
            ).model_dump()
            for known in self.vendor.fields
        }

    def stored_now(self) -> dict[str, Any]:
        """What is to be stored on the pair, from valid input. Rules of fields that this version does not know stay."""
        rules = {**self.pair.rules, **self.rules()}
        return {"rules": rules, "options": as_data(self.options), "zone": self.cleaned_data["zone"]}

    def changes(self) -> list[str]:
        """Names of what is other than before, from valid input."""
        rules, old, new = self.rules(), self.stored, self.options
        found = [known.label for known in self.vendor.fields if rules[known.name] != self.rules_before[known.name]]
        found += [name.replace("_", " ") for name in Options.model_fields if getattr(old, name) != getattr(new, name)]
        return found + (["time zone"] if self.cleaned_data["zone"] != self.pair.zone else [])


def _shown(part: str, name: str) -> str:
    """The form's name for a setting."""
    return "assignees" if (part, name) == ("filters", "people") else name


def _rules_of(pair: ProjectPair, fields: Iterable[Field]) -> dict[str, dict[str, str]]:
    """The rule in force for every field of the provider."""
    unset = {known.name: {"direction": known.default, "winner": "plane"} for known in fields}
    return {name: {**rule, **pair.rules.get(name, {})} for name, rule in unset.items()}


def _initial(options: Options, rules: Mapping[str, Mapping[str, str]], zone: str) -> dict[str, Any]:
    filters, timing = options.filters, options.timing
    return {
        **filters.model_dump(), **timing.model_dump(), "zone": zone, "deletes": options.deletes,
        "show_link": options.show_link, "labels": "\n".join(filters.labels), "assignees": "\n".join(filters.people),
        "estimates": _lines(timing.estimates), "people": _lines(options.people),
        **{f"direction_{name}": rule["direction"] for name, rule in rules.items()},
        **{f"winner_{name}": rule["winner"] for name, rule in rules.items()},
    }  # fmt: skip


def _lines(table: Mapping[str, object]) -> str:
    return "\n".join(f"{left} = {right}" for left, right in table.items())
