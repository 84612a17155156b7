"""Alerts: what needs a person now, who is told of what, and when."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

import structlog
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from planeapp.dashboard import tied
from planeapp.installations import alert_settings, alerts, audit
from planeapp.installations.access import admin
from planeapp.installations.alert_mail import NotSent, send_test
from planeapp.installations.limits import limited
from planeapp.installations.models import Alert, AlertSettings, Installation, Membership
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError

log = structlog.get_logger(__name__)
MOST = 10
OVER = 10
TESTS_A_MINUTE = 3
CHOSEN = ("addresses", "without", "quiet_from", "quiet_until", "comment_key", "comment_project", "comment_item")


def _clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class AlertForm(forms.Form):
    """Who is told of what, and when. ``spot`` is the project and id of the work item that was typed, or None."""

    addresses = forms.CharField(
        label="Mail addresses", required=False, max_length=MOST * 260, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=f"One on each line, at most {MOST}. Empty: the admins of the workspace.",
    )  # fmt: skip
    about = forms.MultipleChoiceField(
        label="Mail about", required=False, choices=Alert.Kind.choices, widget=forms.CheckboxSelectMultiple,
        help_text="What is left out here still stands on the overview.",
    )  # fmt: skip
    quiet_from = forms.TimeField(label="Quiet from", required=False, widget=_clock())
    quiet_until = forms.TimeField(label="Quiet until", required=False, widget=_clock())
    comment_key = forms.CharField(
        label="Also as a comment under this work item", required=False, max_length=40,
        widget=forms.TextInput(attrs={"placeholder": "OPS-12"}),
        help_text="The bot says each new alert there too. Its project has to have the bot as a member. Empty: no comments.",
    )  # fmt: skip

    def __init__(self, data: Any, stored: AlertSettings) -> None:
        self.stored, self.spot = stored, (stored.comment_project, stored.comment_item)
        super().__init__(data, initial={
            "addresses": "\n".join(stored.addresses), "quiet_from": stored.quiet_from, "quiet_until": stored.quiet_until,
            "about": [kind for kind in Alert.Kind.values if kind not in stored.without], "comment_key": stored.comment_key,
        })  # fmt: skip
        self.fields["quiet_from"].help_text = f"In the workspace’s time zone, {stored.installation.zone}."
        self.fields["quiet_until"].help_text = "Mails wait until then, for what still goes on."

    def clean_addresses(self) -> list[str]:
        """Real addresses, each once."""
        told = self.cleaned_data["addresses"].replace(",", "\n").split("\n")
        found = list(dict.fromkeys(address.strip() for address in told if address.strip()))
        for address in found:
            try:
                validate_email(address)
            except ValidationError as error:
                raise ValidationError(f"{address} is no mail address.") from error
        if len(found) > MOST:
            raise ValidationError(
                f"These are {len(found)} addresses; {MOST} are possible. A list of your own can tell more."
            )
        return found

    def clean(self) -> dict[str, Any]:
        """Quiet hours have both ends; the work item is one that the bot can see."""
        found = super().clean() or {}
        begin, end = found.get("quiet_from"), found.get("quiet_until")
        if (begin is None) != (end is None) and not {"quiet_from", "quiet_until"} & set(self.errors):
            self.add_error("quiet_until" if end is None else "quiet_from", "Fill in both, or neither.")
        key = found.get("comment_key", "").strip().upper()
        if key != self.stored.comment_key:
            self._find(key)
        return {**found, "comment_key": key}

    def _find(self, key: str) -> None:
        self.spot = (None, None)
        if not key:
            return
        try:
            with calling_for("pages"):
                spot = tied.by_key(self.stored.installation, key)
        except GroundcrewError as error:
            log.warning("no item to comment on", code=error.code, detail=str(error))
            self.add_error("comment_key", error.person)
            return
        if spot is None:
            why = f"We find no work item {key}. Check the key, and that the app’s bot is a member of its project in Plane."
            self.add_error("comment_key", why)
        else:
            self.spot = (UUID(spot[1].project_id), UUID(spot[0]))

    def chosen(self) -> dict[str, Any]:
        """The columns of the settings; call after ``is_valid``."""
        data = self.cleaned_data
        return {
            "addresses": data["addresses"], "without": [kind for kind in Alert.Kind.values if kind not in data["about"]],
            "quiet_from": data["quiet_from"], "quiet_until": data["quiet_until"], "comment_key": data["comment_key"],
            "comment_project": self.spot[0], "comment_item": self.spot[1],
        }  # fmt: skip


@require_http_methods(["GET", "POST"])
@admin
def alerts_page(request: HttpRequest, membership: Membership) -> HttpResponse:
    """What goes on, what is over, and the settings."""
    installation = membership.installation
    form = AlertForm(request.POST if request.method == "POST" else None, alert_settings.settings_of(installation))
    if request.method == "POST" and form.is_valid():
        _save(request, installation, form)
        return redirect("alerts", installation.slug)
    return render(request, "dashboard/alerts.html", {
        "membership": membership,
        "installation": installation,
        "form": form,
        "admins": alert_settings.admins_of(installation),
        "alerts": alerts.open_in(installation),
        "over": alerts.over_in(installation, OVER),
        "fault": form.stored.fault,
    }, status=422 if form.errors else 200)  # fmt: skip


def _save(request: HttpRequest, installation: Installation, form: AlertForm) -> None:
    after = form.chosen()
    changed = [name for name in CHOSEN if _plain(getattr(form.stored, name)) != _plain(after[name])]
    if not changed:
        messages.info(request, "Nothing was changed: the settings are as you see them.")
        return
    AlertSettings.objects.update_or_create(installation=installation, defaults={**after, "fault": ""})
    told = sorted(
        {name.partition("_")[0] if name.startswith("comment") else name.replace("_", " ") for name in changed}
    )
    audit.record("changed_alerts", installation, request, changed=", ".join(told))
    messages.success(request, "Saved.")


def _plain(value: Any) -> Any:
    return value if isinstance(value, (list, time)) or value is None else str(value)


@require_POST
@admin
@limited("test_mail", TESTS_A_MINUTE)
def send_test_mail(request: HttpRequest, membership: Membership) -> HttpResponse:
    """A mail to everybody who is told, now, whatever the hour."""
    installation = membership.installation
    addresses = alert_settings.addresses_of(alert_settings.settings_of(installation))
    faults = {}
    for address in addresses:
        try:
            send_test(installation, str(membership.user), address)
        except NotSent as error:
            faults[address] = str(error)
            break  # each may take long, and a person waits
    audit.record("sent_test_mail", installation, request, addresses=len(addresses))
    for address, why in faults.items():
        messages.error(request, f"{address} did not get the test mail. {why}")
    if not faults and addresses:
        messages.success(request, f"A test mail is on its way to {', '.join(addresses)}.")
    elif not addresses:
        messages.error(request, "There is nobody to write to: enter an address and save it first.")
    return redirect("alerts", installation.slug)


@require_POST
@admin
def alert_seen(request: HttpRequest, membership: Membership, alert_id: int) -> HttpResponse:
    """Put an alert aside until something more happens. A second click finds it done."""
    installation = membership.installation
    alert = get_object_or_404(installation.alerts, pk=alert_id)
    if alerts.put_aside(alert, str(membership.user)):
        audit.record("saw_alert", installation, request, alert=alert.title)
        messages.success(request, "Put aside: it is told again only if something more happens.")
    else:
        messages.info(request, "It is over or put aside already. Nothing was changed.")
    return redirect("overview" if request.POST.get("from") == "overview" else "alerts", installation.slug)
