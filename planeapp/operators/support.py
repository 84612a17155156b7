"""Support pages for staff: Django's admin, to look at only, at ``SUPPORT_PATH``; without that setting there are none.

People sign in with Plane as everywhere; ``manage.py staff`` says who is staff. No secret, no content of a message and no
address of a webhook is shown, and nothing can be changed but that deliveries are worked on again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth import logout as end_session
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timesince import timesince

from planeapp.customers.models import Firing
from planeapp.inbox.models import Delivery
from planeapp.inbox.replay import named, replay
from planeapp.installations.models import Connection, Credential, Installation
from planeapp.lib.errors import GroundcrewError
from planeapp.sync.models import SyncRun

PER_PAGE = 50


class SupportSite(admin.AdminSite):
    """Signs in where everybody does; has no passwords."""

    site_header = site_title = "Support"
    index_title = "All workspaces"
    site_url = None
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """To our sign-in page; whoever is signed in and no staff finds nothing here."""
        if request.user.is_authenticated:
            raise Http404
        query = urlencode({"next": request.GET.get("next", reverse("support:index"))})
        return HttpResponseRedirect(f"{reverse('signin')}?{query}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Ends the session, as the product's own sign-out does; by a form alone."""
        if request.method == "POST":
            end_session(request)
        return redirect("home")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """There are none."""
        raise Http404

    password_change_done = password_change


class LookOnly(admin.ModelAdmin):
    """A list and a page for each row, for every member of staff; nobody adds, changes or deletes."""

    list_per_page = PER_PAGE
    show_full_result_count = False
    actions: Any = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """All staff."""
        return bool(request.user.is_active and request.user.is_staff)

    has_module_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    has_change_permission = has_delete_permission = has_add_permission


class InstallationPage(LookOnly):
    """The app in a workspace."""

    list_display = ("name", "slug", "status", "created_at")
    list_filter = ("status",)
    search_fields = ("slug", "name", "=workspace_id")


class ConnectionPage(LookOnly):
    """A connection, with what its secrets are but not what they say."""

    list_display = ("installation", "provider", "status", "probed_at")
    list_filter = ("provider", "status")
    list_select_related = ("installation",)
    search_fields = ("installation__slug",)
    fields = ("installation", "provider", "status", "status_detail", "base_url", "probed_at", "paused_until", "secrets")
    readonly_fields = ("secrets",)

    @admin.display(description="Secrets")
    def secrets(self, row: Connection) -> str:
        """Slot, state and age of each."""
        return ", ".join(map(_masked, row.credentials.defer("access", "refresh", "keep").order_by("slot"))) or "none"


def _masked(secret: Credential) -> str:
    age = f", {timesince(secret.refreshed_at)} old" if secret.refreshed_at else ""
    return f"{secret.slot}: ●●●● ({secret.get_state_display()}{age})"


class DeliveryPage(LookOnly):
    """A delivery without its content."""

    list_display = ("received_at", "installation", "source", "kind", "state", "reason")
    list_filter = ("state", "source")
    list_select_related = ("installation",)
    search_fields = ("=id", "installation__slug")
    fields = (
        "id", "source", "installation", "lane", "kind", "subject", "received_at", "state", "reason", "attempts", "due_at",
        "claimed_at", "finished_at",
    )  # fmt: skip
    actions = ("replay",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Newest first, without the bodies."""
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.defer("body", "headers").order_by("-received_at")

    @admin.action(description="Work on them again", permissions=["view"])
    def replay(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        """Put them back, with an entry in the audit log."""
        ids = list(rows.values_list("pk", flat=True))
        try:
            done = replay(Delivery.objects.filter(pk__in=ids), None, request, deliveries=named(ids), by="support")
        except GroundcrewError as error:
            self.message_user(request, error.person, messages.ERROR)
        else:
            self.message_user(request, f"{done.replayed} put back, {done.left_alone} left alone.")


class RunPage(LookOnly):
    """A run of the engine."""

    list_display = ("started_at", "pair", "kind", "state", "detail")
    list_filter = ("state", "kind")
    list_select_related = ("pair",)
    fields = ("id", "pair", "kind", "whole", "state", "counts", "detail", "started_at", "finished_at")
    readonly_fields = ("started_at",)
    search_fields = ("=id", "pair__connection__installation__slug")


class FiringPage(LookOnly):
    """One time that a company rule fired."""

    list_display = ("created_at", "rule_id", "state", "detail")
    list_filter = ("state",)
    fields = ("id", "rule_id", "occasion", "state", "done", "detail", "attempts", "due_at", "created_at", "finished_at")
    readonly_fields = ("rule_id", "created_at")
    search_fields = ("=id", "rule__connection__installation__slug")


site = SupportSite(name="support")
site.register(Installation, InstallationPage)
site.register(Connection, ConnectionPage)
site.register(Delivery, DeliveryPage)
site.register(SyncRun, RunPage)
site.register(Firing, FiringPage)
