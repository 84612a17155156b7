"""Pages for admins: the end of an installation."""

from __future__ import annotations

import json

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.models import Membership
from planeapp.installations.uninstall import offboard
from planeapp.lib.errors import Gone

RECEIPT = "receipt"


class UninstallForm(forms.Form):
    """The workspace's name, typed, so that nobody erases by a slip."""

    slug = forms.CharField(label="Workspace", max_length=200, help_text="Type the workspace's short name to confirm.")

    def __init__(self, data: object, slug: str) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.expected = slug

    def clean_slug(self) -> str:
        """Only the very name will do."""
        typed: str = self.cleaned_data["slug"].strip()
        if typed != self.expected:
            raise forms.ValidationError(f"Type {self.expected} exactly. Nothing was erased.")
        return typed


@require_http_methods(["GET", "POST"])
@admin
def uninstall(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Says what goes, and on a confirmed POST erases it and shows the receipt."""
    installation = membership.installation
    form = UninstallForm(request.POST or None, installation.slug)
    if request.method == "POST" and form.is_valid():
        audit.record("uninstall_asked", installation, request)
        try:
            receipt = offboard(installation, by="an admin")
        except Gone as error:
            messages.info(request, error.person)
            return redirect("home")
        if not get_user_model().objects.filter(username=request.user.get_username()).exists():
            logout(request)
        request.session[RECEIPT] = receipt
        return redirect("receipt")
    found = {"membership": membership, "installation": installation, "form": form}
    return render(request, "dashboard/uninstall.html", found, status=422 if form.errors else 200)


@require_safe
def receipt(request: HttpRequest) -> HttpResponse:
    """The deletion receipt of this browser's session, to read or (``?download``) to keep."""
    found = request.session.get(RECEIPT)
    if found is None:
        messages.error(request, "There is no deletion receipt in this browser's session.")
        return redirect("home")
    text = json.dumps(found, indent=2)
    if "download" in request.GET:
        answer = HttpResponse(text, content_type="application/json")
        answer["Content-Disposition"] = f'attachment; filename="deletion-receipt-{found["slug"]}.json"'
        return answer
    return render(request, "dashboard/receipt.html", {"receipt": found, "text": text})
