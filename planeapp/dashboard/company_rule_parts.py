"""The parts of a company rule's form: what has to change, what has to hold as well, and each kind of action."""

from __future__ import annotations

from typing import Any

from django import forms

from planeapp.dashboard.pair_forms import PRIORITIES, STATES

TESTS = [
    ("becomes", "becomes"), ("leaves", "is no longer"), ("changes", "changes in any way"), ("below", "falls below"),
    ("above", "rises above"), ("gains", "gets (a tag)"), ("loses", "loses (a tag)"),
    ("within", "renewal is at most so many days ahead"), ("created", "company is new"),
]  # fmt: skip
CONDITIONS = [
    ("is", "is"), ("is_not", "is not"), ("below", "is below"), ("above", "is above"), ("has", "has (a tag)"),
    ("has_not", "has not (a tag)"),
]  # fmt: skip
ACTIONS = {
    "create_item": "Make a work item", "comment": "Write a comment", "label": "Put a label", "assign": "Assign somebody",
}  # fmt: skip


def _text(label: str, help_text: str = "", *, needed: bool = True, rows: int = 0, listed: str = "") -> forms.CharField:
    widget: Any = (
        forms.Textarea(attrs={"rows": rows}) if rows else forms.TextInput(attrs={"list": listed} if listed else {})
    )
    return forms.CharField(label=label, help_text=help_text, required=needed, max_length=10_000, widget=widget)


def _days(label: str, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, required=False, min_value=0, max_value=3650,
        error_messages={"invalid": "Please give whole days, as in 7."},
    )  # fmt: skip


class WhenForm(forms.Form):
    """What has to change."""

    name = forms.CharField(label="Name of the rule", max_length=120, help_text="As you would tell a colleague.")
    field = forms.ChoiceField(label="When this", required=False)
    test = forms.ChoiceField(label="does this", choices=TESTS)
    value = _text(
        "Value", "For a choice of words see the list; letter case does not matter.", needed=False, listed="values-when"
    )


class ConditionForm(forms.Form):
    """What has to hold as well."""

    field = forms.ChoiceField(label="Field")
    test = forms.ChoiceField(label="Test", choices=CONDITIONS)
    value = _text("Value")


class CreateItemForm(forms.Form):
    """A work item to be made."""

    project_id = forms.ChoiceField(label="Project")
    title = _text("Title")
    notes = _text("Description", needed=False, rows=3)
    state = forms.ChoiceField(label="State", required=False, choices=[("", "As Plane chooses"), *STATES])
    priority = forms.ChoiceField(label="Priority", choices=PRIORITIES[::-1])
    labels = _text("Labels", "Separated by commas.", needed=False)
    assign = _text("Assigned to", "An e-mail address, or owner for the company’s owner.", needed=False, listed="people")
    start_in = _days("Starts after days", "0: the day on which the rule fires.")
    due_in = _days("Due after days", "Left empty: no due day.")


class CommentForm(forms.Form):
    """A comment on open work items."""

    text = _text("Comment", "On every open work item of the company.", rows=3)


class LabelForm(forms.Form):
    """A label on open work items."""

    label = _text("Label", "On every open work item of the company; made where a project lacks it.")


class AssignForm(forms.Form):
    """Somebody for open work items."""

    who = _text(
        "Who", "An e-mail address, or owner for the company’s owner. Who is assigned already stays.", listed="people"
    )


FORMS: dict[str, type[forms.Form]] = {
    "create_item": CreateItemForm, "comment": CommentForm, "label": LabelForm, "assign": AssignForm,
}  # fmt: skip
