"""What an admin fills in to connect a calendar server."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from tests.providers.icalendar.client import SLOT


class ConnectForm(forms.Form):
    """Address and token."""

    address = forms.CharField(label="Address", max_length=300, help_text="Of your calendar server, without a path.")
    token = forms.CharField(
        label="API token", widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"})
    )

    def clean_address(self) -> str:
        """An origin, without what people copy along."""
        found = re.fullmatch(r"(https?://[^/\s?#@]+)/?", self.cleaned_data["address"].strip())
        if found is None:
            raise forms.ValidationError("Please enter an address such as https://calendar.example.")
        return found[1]

    def clean_token(self) -> str:
        """One word of visible ASCII, since it goes into a header."""
        token = str(self.cleaned_data["token"]).strip()
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise forms.ValidationError("A token has no blanks and no special letters. Please copy it again.")
        return token

    def credentials(self) -> dict[str, str]:
        """The token."""
        return {SLOT: self.cleaned_data["token"]}

    def settings(self) -> dict[str, Any]:
        """The server's address; there is none that fits everybody."""
        return {"base_url": self.cleaned_data["address"]}
