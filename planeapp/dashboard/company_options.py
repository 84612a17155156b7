"""What is shown of companies in Plane, and of work in the other system: each a choice of an admin, each off until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from planeapp.customers import errands
from planeapp.customers.options import Options, options_of, save_options
from planeapp.dashboard.companies import connection_of, frame
from planeapp.installations import audit
from planeapp.installations.access import admin, member
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection, Membership
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError

log = structlog.get_logger(__name__)
KEPT_SECONDS = 60
NEEDS = {
    "tallies": ("write_tallies", "write figures"),
    "finished": ("tell", "leave notes and tasks"),
    "edits": ("update_company", "change companies"),
}
FOLLOWS = ("match", "tallies", "mirror", "labels", "cards")
"""The errands that options matter to."""


class OptionsForm(forms.Form):
    """The options; each help text says what is written where, and what it needs."""

    label_prefix = forms.CharField(
        label="Labels that name a company begin with", required=False, max_length=60, strip=False,
        help_text="With “customer: ”, the label “customer: Acme” ties every work item that carries it to Acme. Only labels "
        "are read. Empty: labels mean nothing.",
    )  # fmt: skip
    customers = forms.ChoiceField(label="Customers in Plane", widget=forms.RadioSelect)
    labels = forms.BooleanField(
        label="Put a label with the company’s name on tied work items", required=False,
        help_text="Written in Plane: one label on each tied work item, once. Who takes it off is not fought.",
    )  # fmt: skip
    card = forms.BooleanField(
        label="Keep a card with the companies’ facts under tied work items", required=False,
        help_text="Written in Plane: one comment on each open tied work item, edited when a fact changes.",
    )  # fmt: skip
    tallies = forms.BooleanField(label="Show figures of its work on each company", required=False)
    finished = forms.ChoiceField(label="When all work for a company is done", widget=forms.RadioSelect)
    edits = forms.BooleanField(label="Let the bot change phases and tags", required=False)

    def __init__(self, data: Any, connection: Connection, lacks: Mapping[str, str], *, shut: bool = False) -> None:
        """``lacks``: option → why it cannot be used now; it stays as it is then. ``shut``: to look at only."""
        self.stored, self.lacks, self.name = options_of(connection), lacks, connection.provider_name
        super().__init__(data, initial=self.stored.model_dump())
        self._choose()
        for option, field in self.fields.items():
            field.disabled = shut or self._is_shut(option)

    def _is_shut(self, option: str) -> bool:
        """What cannot be used can still be switched off."""
        off = Options.model_fields[option].default
        return option in self.lacks and getattr(self.stored, option) == off

    def _choose(self) -> None:
        customers: Any = self.fields["customers"]
        customers.choices = [
            ("off", "Left alone"), ("read", "Read: which company each one is, and its work items"),
            ("linked", f"Read, and made for companies of {self.name} that work waits for"),
            ("all", f"Read, and made for every company of {self.name}"),
        ]  # fmt: skip
        customers.help_text = (
            "Needs a Plane plan with customers. Those that we make show phase, health, owner and renewal."
        )
        finished: Any = self.fields["finished"]
        finished.choices = [
            ("off", "Nothing"),
            ("note", "A note on the company"),
            ("task", "A task for the company’s owner"),
        ]
        finished.help_text = f"Written in {self.name}, once each time its last open work item is done."
        self.fields[
            "edits"
        ].help_text = (
            f"Written in {self.name} when a member of the workspace asks for it in a comment, such as “tag Acme gold”."
        )
        self.fields["tallies"].help_text = (
            f"Written in {self.name}: how many work items are open, how many of them urgent, and since when. It makes these "
            "three fields there if they are missing."
        )

    def options(self) -> Options:
        """From valid input."""
        return Options.model_validate(self.cleaned_data)


@require_http_methods(["GET", "POST"])
def company_options(request: HttpRequest, **parts: Any) -> HttpResponse:
    """The options, for members to look at and admins to change."""
    return _sent(request, **parts) if request.method == "POST" else _looked_at(request, **parts)


@member
def _looked_at(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    connection = connection_of(membership, provider)
    form = OptionsForm(None, connection, lacking(connection), shut=not membership.is_admin)
    return _page(request, membership, connection, form)


@admin
def _sent(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    connection = connection_of(membership, provider)
    form = OptionsForm(request.POST, connection, lacking(connection))
    if not form.is_valid():
        return _page(request, membership, connection, form)
    before, after = form.stored, form.options()
    changed = [name for name in Options.model_fields if getattr(before, name) != getattr(after, name)]
    if not changed:
        messages.info(request, "Nothing was changed: the options are as you see them.")
        return redirect("company_options", membership.installation.slug, provider)
    save_options(connection, after)
    for kind in FOLLOWS:
        errands.ask(connection, kind)
    told = ", ".join(name.replace("_", " ") for name in changed)
    audit.record("changed_company_options", membership.installation, request, provider=provider, changed=told)
    messages.success(request, "Saved. It takes effect within a few minutes.")
    return redirect("company_options", membership.installation.slug, provider)


def _page(request: HttpRequest, membership: Membership, connection: Connection, form: OptionsForm) -> HttpResponse:
    lines = [(form[name], form.lacks.get(name, "")) for name in form.fields]
    found = {**frame(membership, connection, "options"), "form": form, "lines": lines}
    return render(request, "dashboard/company_options.html", found, status=422 if form.errors else 200)


def lacking(connection: Connection) -> dict[str, str]:
    """Option → why it cannot be used on this connection, in words; Plane is asked at most once a minute."""
    abilities = connection.report.get("abilities") or ()
    found = {
        option: f"The token for {connection.provider_name} may not {what}. Allow it there, then check the connection again."
        for option, (ability, what) in NEEDS.items() if ability not in abilities
    }  # fmt: skip
    key = f"options-lack:{connection.installation_id}"
    plane: dict[str, str] | None = cache.get(key)
    if plane is None:
        plane = _plane_lacks(connection)
        cache.set(key, plane, KEPT_SECONDS)
    return found | plane


def _plane_lacks(connection: Connection) -> dict[str, str]:
    try:
        with calling_for("pages"):
            plane = plane_for(connection.installation)
            told = plane.has_customers()
    except GroundcrewError as error:
        log.warning("no word on customers", code=error.code, detail=str(error))
        return {}
    scopes = {"label_prefix": "labels", "labels": "make_labels", "card": "comments"}
    found = {option: WITHHELD for option, feature in scopes.items() if not plane.offers(feature)}
    return found if told else {"customers": told.reason, **found}


WITHHELD = "Plane does not allow the app to do this. The overview says which permission is missing."
