"""Addresses. Those of contract fame: ``/``, ``/setup/``, ``/oauth/plane/callback/``, ``/webhooks/…``, ``/w/<slug>/…``."""

from __future__ import annotations

from django.urls import include, path

from planeapp.accounts import views as accounts
from planeapp.dashboard import admin_pages, connections, pages
from planeapp.inbox import views as inbox
from planeapp.operators import health

urlpatterns = [
    path("", pages.home, name="home"),
    path("setup/", accounts.setup, name="setup"),
    path("signin/", accounts.signin, name="signin"),
    path("signout/", accounts.signout, name="signout"),
    path("confirm/", accounts.confirm, name="confirm"),
    path("problem/", accounts.problem, name="problem"),
    path("oauth/plane/callback/", accounts.callback, name="plane_callback"),
    path("oauth/<slug:provider>/callback/", connections.callback, name="provider_callback"),
    path("webhooks/plane/", inbox.plane, name="plane_webhook"),
    path("webhooks/<slug:provider>/<str:opaque_id>/", inbox.provider, name="provider_webhook"),
    path("receipt/", admin_pages.receipt, name="receipt"),
    path("workspaces/", pages.workspaces, name="workspaces"),
    path("w/<slug:slug>/", include("planeapp.dashboard.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
handler404 = "planeapp.dashboard.pages.not_found"
handler500 = "planeapp.dashboard.pages.broken"
handler403 = "planeapp.dashboard.pages.forbidden"
