"""What an admin fills in to connect Planner by token."""

from __future__ import annotations

import re
from typing import Any

from django import forms

TOKEN = re.compile(r"plr_pat_\S+\.\S+")
"""The documented form of a personal token; service accounts' tokens may look different (Planner developer page)."""


class ConnectForm(forms.Form):
    """A token, and whether new blocks may be made by REST. ``warnings`` holds remarks that do not stop anybody."""

    token = forms.CharField(
        label="API token",
        strip=True,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="From Planner: Settings → API & Integrations. It needs the scopes events:read, projects:read, "
        "blocks:read and blocks:write; webhooks:read and webhooks:write let changes arrive at once.",
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
        return {"slots": ["api"], "rest_create": bool(self.cleaned_data.get("rest_create"))}
