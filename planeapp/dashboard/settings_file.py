"""The settings as a file: to keep, to review, to bring to another workspace. What an import would change is shown first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from planeapp.customers import settings_changes
from planeapp.customers.settings_section import SECTIONS
from planeapp.installations.access import admin
from planeapp.installations.models import Installation, Membership
from planeapp.lib.errors import GroundcrewError
from planeapp.sync import settings_file as files
from planeapp.sync import settings_import, settings_rows
from planeapp.sync.settings_yaml import LARGEST, Unreadable

log = structlog.get_logger(__name__)
FAULTS = 50
WORDS = {"make": "new", "change": "changed", "remove": "taken away; nothing is deleted on either side",
         "leave": "not in the file, left alone"}  # fmt: skip


class SettingsForm(forms.Form):
    """A file, or the text of one that was looked at. ``raw`` is its content."""

    file = forms.FileField(
        label="Settings file",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".yaml,.yml"}),
    )
    text = forms.CharField(label="or its text", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6}))
    remove = forms.BooleanField(
        label="Also take away pairs and rules that the file does not name", required=False,
        help_text="Otherwise they stay as they are. Nothing is deleted on either side.",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """One of the two, and not too large."""
        found = super().clean() or {}
        upload, text = found.get("file"), found.get("text", "")
        if upload is not None and upload.size > LARGEST:
            self.add_error("file", f"The file is larger than {LARGEST // 1024} KiB.")
        elif upload is None and not text.strip():
            self.add_error("file", "Choose a file, or paste its text.")
        self.raw = b"" if self.errors else (upload.read() if upload is not None else text.encode())
        return found


@dataclass(frozen=True)
class Planned:
    """What a file would change. ``stamp`` stands for just these changes; ``faults`` say why there are none."""

    pairs: list[settings_import.Step] = field(default_factory=list)
    companies: list[settings_changes.Step] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def steps(self) -> list[settings_import.Step | settings_changes.Step]:
        """Pairs first."""
        return [*self.pairs, *self.companies]

    @property
    def lines(self) -> list[tuple[str, str, list[str]]]:
        """Path, what becomes of it, and the single values."""
        return [
            (step.path, WORDS[step.kind], [str(one).removeprefix(f"{step.path}.") for one in step.differences])
            for step in self.steps
        ]

    @property
    def any(self) -> bool:
        """Whether something would change."""
        return any(step.kind != "leave" for step in self.steps)

    @property
    def stamp(self) -> str:
        """Equal for equal changes."""
        return hashlib.sha256(repr(self.lines).encode()).hexdigest()[:32]


@require_safe
@admin
def download(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The workspace's file."""
    installation = membership.installation
    answer = HttpResponse(settings_rows.export(installation, SECTIONS), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{installation.slug}.yaml"'
    return answer


@require_http_methods(["GET", "POST"])
@admin
def settings_file(request: HttpRequest, membership: Membership) -> HttpResponse:
    """The page; a POST with a file shows what it would change, and one more with ``do`` does just that."""
    if request.method != "POST":
        return _page(request, membership, SettingsForm())
    form = SettingsForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, membership, form, status=422)
    planned = planned_of(membership.installation, form.raw, remove=form.cleaned_data["remove"])
    if planned.faults:
        return _page(request, membership, form, {"faults": planned.faults}, status=422)
    if "do" in request.POST and request.POST.get("seen") == planned.stamp:
        return _do(request, membership, planned)
    if "do" in request.POST:
        messages.warning(request, "The settings changed while you looked. Nothing was written; please look once more.")
    text = form.raw.decode("utf-8-sig")
    return _page(request, membership, form, {"planned": planned, "text": text})


def planned_of(installation: Installation, raw: bytes, *, remove: bool) -> Planned:
    """What the file would change here. Writes nothing."""
    try:
        given = files.read(raw, SECTIONS)
        pairs = settings_import.changes(installation, given, remove=remove)
        return Planned(pairs, settings_changes.changes(installation, given, remove=remove))
    except Unreadable as error:
        more = [f"… and {len(error.faults) - FAULTS} more"] if len(error.faults) > FAULTS else []
        return Planned(faults=[str(fault) for fault in error.faults[:FAULTS]] + more)
    except GroundcrewError as error:
        log.warning("settings file not looked at", code=error.code, detail=str(error))
        return Planned(faults=[error.person])


def _do(request: HttpRequest, membership: Membership, planned: Planned) -> HttpResponse:
    installation = membership.installation
    try:
        with transaction.atomic():
            settings_import.apply(installation, planned.pairs, request=request)
            settings_changes.apply(installation, planned.companies, by=str(membership.user))
    except GroundcrewError as error:
        messages.warning(request, error.person)
        return redirect("settings_file", installation.slug)
    if planned.any:
        messages.success(request, "Done: the settings are now as the file says, and what they concern is looked at.")
    else:
        messages.info(request, "Nothing to do: the settings are as the file says.")
    return redirect("settings_file", installation.slug)


def _page(
    request: HttpRequest,
    membership: Membership,
    form: SettingsForm,
    more: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    found = {"membership": membership, "installation": membership.installation, "form": form, **(more or {})}
    return render(request, "dashboard/settings_file.html", found, status=status)
