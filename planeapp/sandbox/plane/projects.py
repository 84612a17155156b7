"""Projects, their members, and the people of a workspace."""

from __future__ import annotations

from planeapp.sandbox.plane import fields, serializers, webhooks
from planeapp.sandbox.plane.auth import ADMIN, GUEST, MEMBER, role_in
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, anyone, of_project, of_workspace
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

STATES = (
    ("Backlog", "#60646C", "backlog"),
    ("Todo", "#60646C", "unstarted"),
    ("In Progress", "#F59E0B", "started"),
    ("Done", "#46A758", "completed"),
    ("Cancelled", "#9AA4BC", "cancelled"),
)
CHECKS: dict[str, fields.Check] = {
    "name": fields.text(),
    "identifier": fields.text(limit=12),
    "description": fields.text(limit=0, blank=True),
    "network": fields.anything,
    "module_view": fields.flag,
    "cycle_view": fields.flag,
    "page_view": fields.flag,
    "intake_view": fields.flag,
    "issue_views_view": fields.flag,
    "default_assignee": fields.row("user"),
    "project_lead": fields.row("user"),
    "logo_props": fields.anything,
    "timezone": fields.text(),
    "external_source": fields.text(null=True, blank=True),
    "external_id": fields.text(null=True, blank=True),
}
_BLANK: Doc = {
    "description": "",
    "network": 2,
    "page_view": True,
    "archive_in": 0,
    "close_in": 0,
    "timezone": "UTC",
    "logo_props": {"icon": {"name": "quiz", "color": "#e57a00"}, "in_use": "icon"},
}
_OFF = (
    "module_view",
    "cycle_view",
    "issue_views_view",
    "intake_view",
    "is_time_tracking_enabled",
    "is_issue_type_enabled",
)


def create(plane: Plane, workspace: Doc, actor: Doc, **values: object) -> Doc:
    """Make a project with the five default states; the maker becomes its admin, installed bots become members."""
    flags = dict.fromkeys([*_OFF, "guest_view_all_features"], False)
    blank = {name: None for name in serializers.PROJECT if name not in ("id", "created_at", "updated_at", "created_by")}
    members = {actor["id"]: ADMIN} | {row["app_bot"]: MEMBER for row in webhooks.installations(plane, workspace["id"])}
    project = plane.new(
        "project",
        actor["id"],
        **blank | flags | _BLANK | {"members": members} | values | {"workspace": workspace["id"]},
    )
    for index, (name, color, group) in enumerate(STATES):
        add_state(
            plane,
            project,
            actor,
            name=name,
            color=color,
            group=group,
            sequence=15_000.0 + 10_000 * index,
            default=index == 0,
        )
    return project


def add_state(plane: Plane, project: Doc, actor: Doc, **values: object) -> Doc:
    """Make a state; the default ones have no slug."""
    blank: Doc = {
        "description": "",
        "slug": "",
        "is_triage": False,
        "default": False,
        "external_source": None,
        "external_id": None,
    }
    return plane.new(
        "state", actor["id"], **blank | values | {"project": project["id"], "workspace": project["workspace"]}
    )


def shown(plane: Plane, project: Doc, user: Doc) -> Doc:
    """A project as ``user`` sees it."""
    people = [key for key in project["members"] if not (plane.store.get("user", key) or {}).get("is_bot")]
    counts: Doc = {
        "id": project["id"],
        "total_members": len(people),
        "total_cycles": len(plane.live("cycle", project=project["id"])),
        "total_modules": len(plane.live("module", project=project["id"])),
        "is_member": user["id"] in project["members"],
        "member_role": project["members"].get(user["id"]),
        "is_deployed": False,
    }
    return counts | serializers.pick(project, serializers.PROJECT)


def _list(call: Call) -> Answer:
    mine = [row for row in call.plane.live("project", workspace=call.here["id"]) if role_in(row, call.user)]
    return 200, page(call.query, [shown(call.plane, row, call.user) | {"sort_order": 65535.0} for row in mine])


def _create(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, CHECKS, required=["name", "identifier"])
    values["identifier"] = values["identifier"].strip().upper()
    for row in call.plane.live("project", workspace=call.here["id"]):
        if row["name"] == values["name"] or row["identifier"] == values["identifier"]:
            raise ApiError(409, {"name": "The project name is already taken"})
    project = create(call.plane, call.here, call.user, **values)
    webhooks.created(call.plane, "project", project, call.user)
    return 201, shown(call.plane, project, call.user)


def _get(call: Call) -> Answer:
    if role_in(call.within, call.user) == 0:
        raise missing()
    return 200, shown(call.plane, call.within, call.user)


def _update(call: Call) -> Answer:
    project, values = call.within, fields.clean(call.plane, call.data, CHECKS)
    if project["archived_at"] is not None:
        raise ApiError(400, {"error": "Archived project cannot be updated"})
    for row in call.plane.live("project", workspace=call.here["id"], name=values.get("name", "")):
        if row["id"] != project["id"]:
            raise ApiError(409, {"name": "The project name is already taken"})
    changes = [(name, project[name], values[name]) for name in sorted(values) if project[name] != values[name]]
    call.plane.change("project", project, call.user["id"], **values)
    webhooks.updated(call.plane, "project", project, call.user, changes)
    return 200, shown(call.plane, project, call.user)


def _delete(call: Call) -> Answer:
    project = call.within
    webhooks.deleted(call.plane, "project", project, call.user)
    project["deleted_at"] = call.plane.stamp()
    call.plane.store.put("project", project["id"], project)
    return 204, None


def _archive(call: Call) -> Answer:
    stamp = None if call.method == "DELETE" else call.plane.stamp()
    call.plane.change("project", call.within, call.user["id"], archived_at=stamp)
    return 204, None


def _in_project(call: Call) -> Answer:
    # Newest member first; no role and no mark of a bot here (as captured).
    return 200, [serializers.user(call.plane, key) for key in reversed(call.within["members"])]


def _people(call: Call) -> Answer:
    roles = call.here["members"]
    return 200, [(serializers.user(call.plane, key) or {}) | {"role": roles[key]} for key in reversed(roles)]


def _me(call: Call) -> Answer:
    return 200, serializers.user(call.plane, call.user["id"])


def _no_adding(call: Call) -> Answer:
    raise ApiError(400, {"error": "People are added in the workspace's settings."})


def _open_to_workspace(call: Call) -> bool:
    """Reading a project is open to the workspace (a missing one is then a 404); changing it takes its admin."""
    if call.safe:
        return role_in(call.workspace, call.user) >= GUEST
    return role_in(call.project, call.user) >= ADMIN


def endpoints(workspace: str, project: str) -> list[Endpoint]:
    """Addresses of people and projects."""
    one = {"GET": _get, "PATCH": _update, "DELETE": _delete}
    members = {"GET": _in_project, "POST": _no_adding}
    return [
        Endpoint("/api/v1/users/me/", "profile", anyone, {"GET": _me}),
        Endpoint(workspace + "members/", "workspaces.members", of_workspace, {"GET": _people}),
        Endpoint(workspace + "projects/", "projects", of_workspace, {"GET": _list, "POST": _create}),
        Endpoint(project, "projects", _open_to_workspace, one),
        Endpoint(project + "archive/", "projects", _open_to_workspace, {"POST": _archive, "DELETE": _archive}),
        Endpoint(project + "members/", "projects.members", of_project, members),
        Endpoint(project + "project-members/", "projects.members", of_project, members),
    ]
