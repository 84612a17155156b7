"""Addresses. Those of contract fame: ``/``, ``/setup/``, ``/oauth/plane/callback/``, ``/w/<slug>/…``.

``/webhooks/…`` never gets here: :mod:`planeapp.asgi` leads it to the inbox's doors.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from planeapp.accounts import views as accounts
from planeapp.dashboard import admin_pages, consenting, pages, public
from planeapp.operators import health, metrics, support

urlpatterns = [
    path("", pages.home, name="home"),
    path("setup/", accounts.setup, name="setup"),
    path("signin/", accounts.signin, name="signin"),
    path("signout/", accounts.signout, name="signout"),
    path("confirm/", accounts.confirm, name="confirm"),
    path("problem/", accounts.problem, name="problem"),
    path("done/", accounts.done, name="done"),
    path("oauth/plane/callback/", accounts.callback, name="plane_callback"),
    path("oauth/<slug:provider>/callback/", consenting.callback, name="provider_callback"),
    path("oauth/<slug:provider>/client.json", consenting.client_document, name="client_document"),
    path("receipt/", admin_pages.receipt, name="receipt"),
    path("workspaces/", pages.workspaces, name="workspaces"),
    path("privacy/", public.privacy, name="privacy"),
    path("support/", public.support, name="support"),
    path("terms/", public.terms, name="terms"),
    path("w/<slug:slug>/", include("planeapp.dashboard.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
if settings.SUPPORT_PATH:
    urlpatterns.append(path(f"{settings.SUPPORT_PATH}/", support.site.urls))
handler400 = "planeapp.dashboard.errors.not_understood"
handler403 = "planeapp.dashboard.errors.forbidden"
handler404 = "planeapp.dashboard.errors.not_found"
handler500 = "planeapp.dashboard.errors.broken"
