"""What an admin may say before a vendor's sign-in."""

from __future__ import annotations

import re

from django import forms

from planeapp.installations.consents import Wish
from planeapp.providers.consent import OAuthClient

HOST = re.compile(r"(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?")
ADDRESS = re.compile(r"(?P<scheme>https://)?(?P<host>[^/]+)/?(?P<path>.*)")
MOST_HOSTS = 5


class ConsentForm(forms.Form):
    """A client id and secret for servers that register nobody by themselves, and further sign-in hosts.

    ``issuers`` that are not sent stay as they are; sent and empty, none is allowed beside the vendor's own.
    """

    client_id = forms.CharField(label="Client ID", required=False, max_length=500)
    client_secret = forms.CharField(
        label="Client secret", required=False, max_length=500,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )  # fmt: skip
    issuers = forms.CharField(
        label="Allowed sign-in addresses",
        required=False,
        max_length=1000,
        help_text="Only when people sign in somewhere else than at the system's own address, for example at "
        "login.example.com. We send people, and the client secret, only to the addresses that you list here.",
    )
    more = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_client_id(self) -> str:
        """Without spaces around it."""
        return str(self.cleaned_data["client_id"]).strip()

    def clean_client_secret(self) -> str:
        """Without spaces around it."""
        return str(self.cleaned_data["client_secret"]).strip()

    def clean_issuers(self) -> list[str]:
        """Hosts (with the port where it is not the usual one), in lower case, each once."""
        typed = re.split(r"[\s,;]+", str(self.cleaned_data["issuers"]).strip().lower())
        hosts = list(dict.fromkeys(_host(entry) for entry in typed if entry))
        if len(hosts) > MOST_HOSTS:
            raise forms.ValidationError(f"List at most {MOST_HOSTS} sign-in addresses.")
        return hosts

    def wish(self) -> Wish:
        """The valid form in the words of a consent."""
        typed, client = self.cleaned_data, None
        if typed["client_id"]:
            client = OAuthClient(typed["client_id"], typed["client_secret"])
        return Wish(client, tuple(typed["issuers"]) if "issuers" in self.data else None, typed["more"])

    def complaint(self) -> str:
        """What is wrong, as one sentence: the fields lie folded on the connection's page."""
        return " ".join(f"{self.fields[name].label}: {found[0]}" for name, found in self.errors.items())


def _host(entry: str) -> str:
    """``login.example.com`` of an address or a host. Raises ValidationError for anything that is no https host."""
    found = ADDRESS.fullmatch(entry)
    if found is None or not HOST.fullmatch(found["host"]) or (found["path"] and not found["scheme"]):
        raise forms.ValidationError(f"“{entry[:80]}” is no sign-in address. Write it like login.example.com.")
    return found["host"].removesuffix(":443")
