"""Installations of the app in workspaces: made on the consent page, ended on the marketplace page."""

from __future__ import annotations

import uuid

from planeapp.sandbox.plane import serializers
from planeapp.sandbox.plane.auth import MEMBER, role_in
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, anyone
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc


def standing(plane: Plane, workspace: Doc, application: Doc) -> Doc | None:
    """The installation of an app in a workspace, if there is one."""
    rows = plane.live("installation", workspace=workspace["id"], application=application["id"])
    return rows[0] if rows else None


def install(plane: Plane, workspace: Doc, application: Doc, by: Doc, scope: str = "") -> Doc:
    """Install afresh: a new installation id; the bot user of an earlier one comes back and joins every project.

    ``scope`` is all that the bot is allowed there, whatever it asks for; empty: no less than it asks for.
    """
    earlier = standing(plane, workspace, application)
    if earlier is not None:
        _end(plane, earlier)
    bot = _bot(plane, workspace, application)
    workspace["members"][bot["id"]] = MEMBER
    plane.store.put("workspace", workspace["id"], workspace)
    for project in plane.live("project", workspace=workspace["id"]):
        project["members"].setdefault(bot["id"], MEMBER)
        plane.store.put("project", project["id"], project)
    return plane.new(
        "installation",
        by["id"],
        workspace=workspace["id"],
        application=application["id"],
        installed_by=by["id"],
        app_bot=bot["id"],
        webhook=str(uuid.uuid4()),
        webhook_active=True,
        status="installed",
        scope=scope,
    )


def uninstall(plane: Plane, workspace: Doc, application: Doc) -> None:
    """End the installation: its tokens are refused from now on and the bot leaves. Plane tells the app nothing."""
    installation = standing(plane, workspace, application)
    if installation is None:
        return
    _end(plane, installation)
    workspace["members"].pop(installation["app_bot"], None)
    plane.store.put("workspace", workspace["id"], workspace)
    for project in plane.live("project", workspace=workspace["id"]):
        project["members"].pop(installation["app_bot"], None)
        plane.store.put("project", project["id"], project)


def _end(plane: Plane, installation: Doc) -> None:
    installation.update(status="uninstalled", deleted_at=plane.stamp())
    plane.store.put("installation", installation["id"], installation)


def _bot(plane: Plane, workspace: Doc, application: Doc) -> Doc:
    for user in plane.store.find("user", is_bot=True, application=application["id"], workspace=workspace["id"]):
        return user
    name = application["name"]
    person: Doc = {"first_name": name, "last_name": "", "display_name": name, "avatar": "", "avatar_url": None}
    person |= {
        "email": f"{application['slug']}_{workspace['slug']}@bots.sandbox.test",
        "user_timezone": "UTC",
        "is_bot": True,
    }
    return plane.new("user", None, **person | {"application": application["id"], "workspace": workspace["id"]})


def shown(plane: Plane, installation: Doc) -> Doc:
    """An installation as the API shows it."""
    workspace = plane.store.get("workspace", installation["workspace"]) or {}
    detail = serializers.pick(workspace, ("name", "slug", "id", "logo_url"))
    return serializers.pick(installation, serializers.INSTALLATION) | {"workspace_detail": detail}


def _list(call: Call) -> Answer:
    """Always an array. A bot sees its own installation, a person those of the workspaces they are a member of."""
    seen = []
    for row in call.plane.live("installation"):
        workspace = call.plane.store.get("workspace", row["workspace"])
        bots = call.caller.installation
        mine = row["id"] == bots if bots else role_in(workspace, call.user) > 0
        if mine and call.query.get("id") in (None, row["id"]):
            seen.append(shown(call.plane, row))
    return 200, seen


def endpoints() -> list[Endpoint]:
    """The one address, beside the OAuth ones."""
    return [Endpoint("/auth/o/app-installation/", "", anyone, {"GET": _list})]
