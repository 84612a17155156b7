"""Addresses under ``/w/<workspace-slug>/``."""

from __future__ import annotations

from django.urls import path

from planeapp.dashboard import admin_pages, connections, consenting, deliveries, pairs, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("activity/", views.activity, name="activity"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/replay/", deliveries.replay_many, name="replay"),
    path("deliveries/<uuid:delivery_id>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:delivery_id>/replay/", deliveries.replay_one, name="replay_one"),
    path("items/<uuid:item_id>/", views.item, name="item"),
    path("audit/", admin_pages.audit_log, name="audit"),
    path("uninstall/", admin_pages.uninstall, name="uninstall"),
    path("connect/<slug:provider>/", connections.connect, name="connect"),
    path("connect/<slug:provider>/probe/", connections.probe, name="probe"),
    path("connect/<slug:provider>/consent/", consenting.consent, name="consent"),
    path("pairs/<slug:provider>/", pairs.pairs, name="pairs"),
    path("pairs/<slug:provider>/<uuid:pair_id>/remove/", pairs.remove, name="remove_pair"),
    path("pairs/<slug:provider>/<uuid:pair_id>/sync/", pairs.sync_now, name="sync_pair"),
    path("pairs/<slug:provider>/<uuid:pair_id>/allow/", pairs.allow_run, name="allow_run"),
]
