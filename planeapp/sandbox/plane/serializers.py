"""Rows as Plane shows them: which keys, in which order, with which times."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.html import stripped
from planeapp.sandbox.store import Doc

_TIMES = "created_at updated_at deleted_at"
_EXT = "external_source external_id"
_BY = "created_by updated_by project workspace"


def _keys(*words: str) -> tuple[str, ...]:
    return tuple(" ".join(words).split())


USER = _keys("id first_name last_name email avatar avatar_url display_name")
STATE = _keys("id", _TIMES, "name description color slug sequence group is_triage default", _EXT, _BY)
LABEL = _keys("id", _TIMES, "name description color sort_order", _EXT, "created_by updated_by workspace project parent")
WORK_ITEM = _keys(
    "id type_id",
    _TIMES,
    "point name description_html description_binary priority start_date target_date sequence_id sort_order",
    "completed_at archived_at is_draft",
    _EXT,
    _BY,
    "parent state estimate_point type assignees labels",
)
WORK_ITEM_EVENT = _keys(
    "id labels assignees state description",
    _TIMES,
    "point name description_json description_html description_stripped description_binary priority start_date",
    "target_date sequence_id sort_order completed_at archived_at is_draft",
    _EXT,
    _BY,
    "parent estimate_point type",
)
COMMENT = _keys(
    "id", _TIMES, "comment_html attachments access", _EXT, "edited_at", _BY, "description issue actor parent"
)
LINK = _keys("id", _TIMES, "title url metadata", _BY, "issue")
ACTIVITY = _keys(
    "id",
    _TIMES,
    "verb field old_value new_value comment attachments old_identifier new_identifier epoch project workspace",
    "issue issue_comment actor",
)
MODULE = _keys(
    "id",
    _TIMES,
    "name description description_text description_html start_date target_date status view_props sort_order",
    _EXT,
    "archived_at logo_props",
    _BY,
    "lead members",
)
CYCLE = _keys(
    "id",
    _TIMES,
    "name description start_date end_date view_props sort_order",
    _EXT,
    "progress_snapshot archived_at logo_props timezone version",
    _BY,
    "owned_by",
)
PROJECT = _keys(
    "id cover_image_url",
    _TIMES,
    "name description description_text description_html network identifier emoji icon_prop module_view cycle_view",
    "issue_views_view page_view intake_view is_time_tracking_enabled is_issue_type_enabled guest_view_all_features",
    "cover_image archive_in close_in logo_props archived_at timezone",
    _EXT,
    "created_by updated_by workspace default_assignee project_lead cover_image_asset estimate default_state",
)
CUSTOMER = _keys(
    "id deleted_at logo_url created_at updated_at name description_html email website_url logo_props domain employees",
    "stage contract_status revenue archived_at",
    _EXT,
    "created_by updated_by workspace",
)
CUSTOMER_REQUEST = _keys("id name description_html link created_at")
CUSTOMER_PROPERTY = _keys(
    "id",
    _TIMES,
    "name display_name description logo_props sort_order property_type relation_type is_required default_value",
    "settings is_active is_multi validation_rules",
    _EXT,
    "created_by updated_by workspace options",
)
PROJECT_LITE = _keys("id identifier name cover_image icon_prop emoji description cover_image_url")
RUN = _keys(
    "id agent_user issue project workspace comment source_comment creator status started_at ended_at stopped_at",
    "stopped_by external_link error_metadata type created_at updated_at",
)
RUN_ACTIVITY = _keys(
    "id agent_run type content content_metadata ephemeral signal signal_metadata comment actor project workspace",
    "created_at updated_at",
)
INSTALLATION = _keys(
    "id workspace_detail",
    _TIMES,
    "status created_by updated_by workspace application installed_by app_bot webhook",
)
_MOMENTS = set(_keys(_TIMES, "completed_at edited_at started_at ended_at stopped_at start_date end_date"))


def pick(row: Doc, keys: tuple[str, ...]) -> Doc:
    """A new document with these keys of a row, in this order; what the row lacks is null."""
    return {key: row.get(key) for key in keys}


def user(plane: Plane, key: str | None) -> Doc | None:
    """A person as Plane shows them to others."""
    row = plane.store.get("user", key or "")
    return pick(row, USER) if row else None


def work_item(plane: Plane, row: Doc, query: dict[str, str] | None = None) -> Doc:
    """A work item, with ``expand`` and ``fields`` of the query obeyed; unknown names in either are passed over."""
    shown = pick(row, WORK_ITEM)
    for name in (query or {}).get("expand", "").split(","):
        if name in _EXPAND:
            shown[name] = _EXPAND[name](plane, row[name])
    wanted = [name for name in (query or {}).get("fields", "").split(",") if name]
    return {name: value for name, value in shown.items() if name in wanted} if wanted else shown


def work_item_event(plane: Plane, row: Doc) -> Doc:
    """A work item as webhooks of the first format carry it."""
    return pick(row, WORK_ITEM_EVENT) | {
        "labels": [pick(label, ("id", "name", "color")) for label in _rows(plane, "label", row["labels"])],
        "assignees": [pick(person, USER) for person in _rows(plane, "user", row["assignees"])],
        "state": _state(plane, row["state"]),
        "description": {},
        "description_json": {},
        "description_stripped": stripped(row["description_html"]),
    }


def _state(plane: Plane, key: str | None) -> Doc | None:
    row = plane.store.get("state", key or "")
    return pick(row, ("id", "name", "color", "group")) if row else None


def _rows(plane: Plane, kind: str, keys: list[str]) -> list[Doc]:
    return [row for row in (plane.store.get(kind, key) for key in keys) if row]


def _project_lite(plane: Plane, key: str) -> Doc | None:
    row = plane.store.get("project", key)
    return pick(row, PROJECT_LITE) if row else None


def _workspace_lite(plane: Plane, key: str) -> Doc | None:
    row = plane.store.get("workspace", key)
    return pick(row, ("name", "slug", "id", "logo_url")) if row else None


_EXPAND: dict[str, Any] = {
    "assignees": lambda plane, keys: [pick(row, USER) for row in _rows(plane, "user", keys)],
    "labels": lambda plane, keys: [pick(row, LABEL) for row in _rows(plane, "label", keys)],
    "state": _state,
    "project": _project_lite,
    "workspace": _workspace_lite,
    "created_by": user,
    "updated_by": user,
}


def in_zone(value: Any, zone: str) -> Any:
    """``value`` with every datetime in it written in the caller's time zone; UTC is written with Z."""
    if zone == "UTC":
        return value
    if isinstance(value, list):
        return [in_zone(entry, zone) for entry in value]
    if not isinstance(value, dict):
        return value
    return {name: _moment(entry, zone) if name in _MOMENTS else in_zone(entry, zone) for name, entry in value.items()}


def _moment(value: Any, zone: str) -> Any:
    if not isinstance(value, str) or "T" not in value:
        return value
    return datetime.fromisoformat(value).astimezone(ZoneInfo(zone)).isoformat()
