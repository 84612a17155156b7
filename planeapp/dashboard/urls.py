"""Addresses under ``/w/<workspace-slug>/``."""

from __future__ import annotations

from django.urls import path

from planeapp.dashboard import (
    admin_pages,
    conflicts,
    connections,
    consenting,
    deliveries,
    jobs,
    pair_rules,
    pairs,
    runs,
    vendor_settings,
    views,
)

urlpatterns = [
    path("", views.overview, name="overview"),
    path("activity/", views.activity, name="activity"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/replay/", deliveries.replay_many, name="replay"),
    path("deliveries/<uuid:delivery_id>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:delivery_id>/replay/", deliveries.replay_one, name="replay_one"),
    path("items/<uuid:item_id>/", views.item, name="item"),
    path("conflicts/", conflicts.inbox, name="conflicts"),
    path("conflicts/<uuid:conflict_id>/choose/", conflicts.choose, name="choose"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/undo/", runs.undo, name="undo"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:job_id>/end/", jobs.end_job, name="end_job"),
    path("audit/", admin_pages.audit_log, name="audit"),
    path("uninstall/", admin_pages.uninstall, name="uninstall"),
    path("connect/<slug:provider>/", connections.connect, name="connect"),
    path("connect/<slug:provider>/probe/", connections.probe, name="probe"),
    path("connect/<slug:provider>/consent/", consenting.consent, name="consent"),
    path("connect/<slug:provider>/settings/", vendor_settings.vendor_settings, name="vendor_settings"),
    path("connect/<slug:provider>/settings/confirm/", vendor_settings.confirm_tools, name="confirm_tools"),
    path("connect/<slug:provider>/settings/try/", vendor_settings.try_out, name="try_out"),
    path("pairs/<slug:provider>/", pairs.pairs, name="pairs"),
    path("pairs/<slug:provider>/<uuid:pair_id>/", pair_rules.pair, name="pair"),
    path("pairs/<slug:provider>/<uuid:pair_id>/backfill/", jobs.backfill, name="backfill"),
    path("pairs/<slug:provider>/<uuid:pair_id>/remove/", pairs.remove, name="remove_pair"),
    path("pairs/<slug:provider>/<uuid:pair_id>/sync/", pairs.sync_now, name="sync_pair"),
    path("pairs/<slug:provider>/<uuid:pair_id>/allow/", pairs.allow_run, name="allow_run"),
]
