"""What an admin fills in: to connect Planner by token, and once it is connected."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner import template
from planeapp.providers.planner.example import from_example
from planeapp.providers.planner.schema import fingerprint
from planeapp.providers.planner.words import STATES

INCLUSIVE = {"auto": None, "yes": True, "no": False}
MARKED = frozenset({"notes", "url", "external_id"})
TOKEN = re.compile(r"plr_pat_\S+\.\S+")
"""The documented form of a personal token; service accounts' tokens may look different (Planner developer page)."""


class CheckboxInput(forms.CheckboxInput):
    """A checkbox that tells "unticked" from "not asked": beside it goes a hidden ``false``. Not asked counts as ticked."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The hidden input and the checkbox."""
        box = super().render(name, value, attrs, renderer)
        return format_html('<input type="hidden" name="{}" value="false">{}', name, box)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        """Whether it is ticked; true where the form was filled in without it."""
        return name not in data or bool(super().value_from_datadict(data, files, name))


class ConnectForm(forms.Form):
    """A token, whether tools may write, and whether new blocks may be made by REST.

    ``warnings`` holds remarks that do not stop anybody.
    """

    token = forms.CharField(
        label="API token",
        strip=True,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="From Planner: Settings → API & Integrations. It needs the scopes events:read, projects:read, "
        "blocks:read and blocks:write; webhooks:read and webhooks:write let changes arrive at once.",
    )
    write_tools = forms.BooleanField(
        label="Let the app create and change blocks with the tools that Planner offers",
        required=False,
        initial=True,
        widget=CheckboxInput,
        help_text="Without it the app only reads. Which tools these are is shown after connecting.",
    )
    rest_create = forms.BooleanField(
        label="Create blocks by REST when no MCP tool can",
        required=False,
        help_text="Off until you know the body that Planner's settings page shows: our template for it is a guess.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[str] = []

    def clean_token(self) -> str:
        """The token, without a leading ``Bearer``. Odd shapes give a warning, never an error."""
        token = re.sub(r"^bearer\s+", "", self.cleaned_data["token"], flags=re.IGNORECASE).strip()
        if re.search(r"[^\x21-\x7e]", token):
            raise forms.ValidationError("The token has a space or a special letter in it. Please copy it once more.")
        if not TOKEN.fullmatch(token):
            self.warnings.append("This does not look like a personal token (plr_pat_….…). We try it all the same.")
        return token

    def credentials(self) -> dict[str, str]:
        """Slot → token, for the connection's encrypted store."""
        return {"api": self.cleaned_data["token"]}

    def settings(self) -> dict[str, Any]:
        """What the provider reads from ``Access.settings``."""
        return {
            "slots": ["api"],
            "rest_create": bool(self.cleaned_data.get("rest_create")),
            "confirm_writes": bool(self.cleaned_data.get("write_tools")),
        }


class SettingsForm(forms.Form):
    """What an admin may set once Planner is connected. ``initial`` comes from :meth:`initial_from`, bound or not.

    ``warnings`` holds remarks that do not stop anybody.
    """

    rest_create = forms.BooleanField(
        label="Create blocks by REST when no MCP tool can",
        required=False,
        help_text="Needs a template that has made a test block, or that you confirm below.",
    )
    example = forms.CharField(
        label="Planner's example of the body",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="From Planner: Settings → API & Integrations. Paste it here and we make the template from it.",
    )
    template = forms.CharField(
        label="Template for new blocks",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="JSON with placeholders such as {{title|truncate:255}} or {{start|date}}. What we begin with is a guess.",
    )
    template_confirmed = forms.BooleanField(
        label="This is the body that Planner's settings page shows",
        required=False,
    )
    end_inclusive = forms.ChoiceField(
        label="A block's end date is",
        choices=[("auto", "as Planner's tools describe it"), ("yes", "its last day"), ("no", "the day after it")],
        required=False,
    )
    states = forms.CharField(
        label="States",
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=f"One in each line: ours = Planner's, such as started = CONFIRMED. Ours are {', '.join(STATES)}.",
    )
    subscriptions_prefix = forms.RegexField(
        r"^/?[A-Za-z0-9][A-Za-z0-9._~/-]*$",
        label="Prefix of the webhook address",
        required=False,
        max_length=100,
        help_text="Only if Planner's settings show another address for webhook subscriptions; for example v1.",
        error_messages={"invalid": "Please enter only the beginning of the path, for example v1."},
    )
    mcp_path = forms.RegexField(
        r"^/[A-Za-z0-9._~/-]*$",
        label="Path of the MCP address",
        required=False,
        max_length=200,
        help_text="Only if Planner's settings show another one than /api/mcp.",
        error_messages={"invalid": "Please enter the path alone, for example /api/mcp."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[str] = []

    @classmethod
    def initial_from(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the form shows; ``proven`` is the hash of the template that is known to work."""
        shape = template.of(settings)
        meant = settings.get("end_inclusive")
        return {
            "rest_create": bool(settings.get("rest_create")),
            "template": json.dumps(shape, indent=2, ensure_ascii=False),
            "end_inclusive": next(word for word, value in INCLUSIVE.items() if value is meant),
            "states": "\n".join(f"{ours} = {theirs}" for ours, theirs in (settings.get("states") or {}).items()),
            "subscriptions_prefix": settings.get("subscriptions_prefix") or "",
            "mcp_path": settings.get("mcp_path") or "",
            "proven": settings.get("template_proven") or (fingerprint(shape) if settings.get("rest_create") else ""),
        }

    def clean_states(self) -> dict[str, str]:
        """Our state → Planner's word for it."""
        found: dict[str, str] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["states"].splitlines())):
            ours, sign, theirs = (part.strip() for part in line.partition("="))
            if not sign or not theirs:
                raise forms.ValidationError(f"“{line}” is not understood. Write it as: started = CONFIRMED")
            if ours not in STATES:
                raise forms.ValidationError(f"“{ours}” is not one of our states. They are {', '.join(STATES)}.")
            found[ours] = theirs
        return found

    def clean(self) -> dict[str, Any]:
        """Settle the template, from the example if there is one; REST only with a template that is known to work."""
        data = dict(super().clean() or self.cleaned_data)
        shape = self._shape(data)
        if shape is None:
            return data
        data["shape"] = shape
        known = bool(data.get("template_confirmed")) or fingerprint(shape) == self.initial.get("proven")
        data["proven"] = fingerprint(shape) if known else ""
        if data.get("rest_create") and not known:
            self.add_error("rest_create", "Make a test block with this template first, or confirm it below.")
        if not MARKED & template.names_in(shape):
            self.warnings.append("The template has no place for notes, url or external_id: a block whose answer gets lost "
                                 "cannot be found again.")  # fmt: skip
        return data

    def _shape(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The template, or None with the reason beside its field."""
        name = "example" if data.get("example", "").strip() else "template"
        text = data.get(name, "").strip()
        try:
            return from_example(text) if name == "example" else template.parse(text) if text else dict(template.DEFAULT)
        except FixSettings as error:
            self.add_error(name, error.person)
            return None

    def settings(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """The connection's settings with these in place. Call after ``is_valid``."""
        data = self.cleaned_data
        fresh = {
            "rest_create": bool(data["rest_create"]),
            "template": data["shape"],
            "template_proven": data["proven"],
            "states": data["states"],
            "subscriptions_prefix": data["subscriptions_prefix"],
            "mcp_path": data["mcp_path"],
            "end_inclusive": INCLUSIVE[data["end_inclusive"] or "auto"],
        }
        return {**old, **fresh}
