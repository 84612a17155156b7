"""What an admin fills in to connect Planhat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from planeapp.lib.errors import FixSettings
from planeapp.providers.planhat import regions
from planeapp.providers.planhat.client import API_SLOT, TENANT_SLOT

OTHER = "other"
REVENUES = (("arr", "ARR"), ("mrr", "MRR"), ("custom", "A custom field (enter its name below)"))
CALL_NAMES = (("first", "nr, externalUserId (usual)"), ("later", "nr, agentId"))

_TENANT = re.compile(r"[0-9A-Za-z-]{8,64}")
_SLUG = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,62}")


def region_choices() -> list[tuple[str, str]]:
    """The regions that are known, and a way to name another."""
    return [*((region, regions.label(region)) for region in regions.KNOWN), (OTHER, "Another one (enter it below)")]


class ConnectForm(forms.Form):
    """Token, region and what else a connection needs. Secrets go to ``credentials``, the rest to ``settings``."""

    token = forms.CharField(
        label="API token",
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text="From a private app in Planhat's App Center (or a personal access token). "
        "It needs to see companies, users and contacts, and to create and update issues; the docs list what each feature needs.",
    )
    region = forms.ChoiceField(
        label="Region",
        choices=region_choices,
        required=False,
        help_text="The one in the address when you use Planhat: app-us1.planhat.com is US1. "
        "A token works in its own region only.",
    )
    other_region = forms.CharField(
        label="Other region", required=False, max_length=100, help_text="For example us4 or api-us4.planhat.com."
    )
    auth = forms.ChoiceField(
        label="How the token is sent",
        choices=[("bearer", "Bearer (usual)"), ("basic", "Basic")],
        required=False,
        initial="bearer",
    )
    tenant = forms.CharField(
        label="Tenant UUID",
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text="Optional, for logging calls without a token. "
        "Planhat shows it in its developer settings; keep it secret.",
    )
    tenant_slug = forms.CharField(
        label="Tenant name in links",
        required=False,
        help_text="Optional, for links to Planhat: the part after ws.planhat.com/ in your browser's address.",
    )

    def clean_token(self) -> str:
        """One word of visible ASCII, since it goes into a header."""
        token = str(self.cleaned_data["token"]).strip()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise forms.ValidationError(
                "A token has no blanks and no special letters. Please copy it again from Planhat."
            )
        return token

    def clean_tenant(self) -> str:
        """Letters, digits and hyphens."""
        tenant = str(self.cleaned_data["tenant"]).strip()
        if tenant and not _TENANT.fullmatch(tenant):
            raise forms.ValidationError("This does not look like a tenant UUID. Please copy it again from Planhat.")
        return tenant

    def clean_tenant_slug(self) -> str:
        """The slug, also out of a whole address."""
        slug = (
            str(self.cleaned_data["tenant_slug"])
            .strip()
            .removeprefix("https://")
            .removeprefix("ws.planhat.com/")
            .split("/")[0]
        )
        if slug and not _SLUG.fullmatch(slug):
            raise forms.ValidationError("Please enter only the part after ws.planhat.com/, for example my-company.")
        return slug

    def clean(self) -> dict[str, Any]:
        """Settle the region, from the list or typed."""
        data = dict(super().clean() or self.cleaned_data)
        chosen = data.get("region", "")
        if chosen == OTHER:
            chosen = data.get("other_region", "").strip()
            if not chosen:
                self.add_error("other_region", "Please enter the region, for example us4.")
                return data
        try:
            data["host"] = regions.host(chosen)
        except FixSettings as problem:
            self.add_error("other_region", problem.person)
        data["region"] = chosen
        return data

    def credentials(self) -> dict[str, str]:
        """Secrets by slot: ``api``, and ``tenant`` when it was given. Call after ``is_valid``."""
        tenant = self.cleaned_data["tenant"]
        return {API_SLOT: self.cleaned_data["token"], **({TENANT_SLOT: tenant} if tenant else {})}

    def settings(self) -> dict[str, str]:
        """What is no secret: ``region`` (``""`` for the standard one), ``auth``, ``tenant_slug``. Call after
        ``is_valid``.
        """
        return {
            "region": self.cleaned_data["region"],
            "auth": self.cleaned_data["auth"] or "bearer",
            "tenant_slug": self.cleaned_data["tenant_slug"],
        }


class SettingsForm(forms.Form):
    """What an admin may set once Planhat is connected. ``initial`` comes from :meth:`initial_from`, bound or not."""

    revenue = forms.ChoiceField(
        label="Revenue",
        choices=REVENUES,
        help_text="What is shown as a company's revenue, and what rules look at.",
    )
    revenue_field = forms.CharField(
        label="Custom field with the revenue",
        required=False,
        max_length=100,
        help_text="Its name exactly as Planhat shows it. If somebody renames it there, we follow.",
    )
    fields_by_hand = forms.BooleanField(
        label="The fields for figures are there",
        required=False,
        help_text="Only if the token may not see custom fields: tick this once “Plane open items” and “Plane urgent items” "
        "(number) and “Plane oldest open item” (date) were made on companies by hand.",
    )
    call_names = forms.ChoiceField(
        label="Names in the body of a call",
        choices=CALL_NAMES,
        required=False,
        help_text="Only if Planhat refuses calls with the usual ones.",
    )

    @classmethod
    def initial_from(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the form shows for a connection's settings."""
        chosen, _, name = str(settings.get("revenue") or "arr").partition(":")
        return {
            "revenue": chosen if chosen in dict(REVENUES) else "arr",
            "revenue_field": name,
            "fields_by_hand": bool(settings.get("fields_by_hand")),
            "call_names": settings.get("call_names") or "first",
        }

    def clean(self) -> dict[str, Any]:
        """A custom field needs its name."""
        data = dict(super().clean() or self.cleaned_data)
        if data.get("revenue") == "custom" and not data.get("revenue_field"):
            self.add_error("revenue_field", "Please enter the name of the custom field.")
        return data

    def settings(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """The connection's settings with these in place: ``revenue`` is ``arr``, ``mrr`` or ``custom:<name>``. Call after
        ``is_valid``.
        """
        data = self.cleaned_data
        chosen = data["revenue"]
        return {
            **old,
            "revenue": f"custom:{data['revenue_field']}" if chosen == "custom" else chosen,
            "fields_by_hand": bool(data["fields_by_hand"]),
            "call_names": data["call_names"] or "first",
        }
