"""The tracker's pages: who is looking, projects, lists of work items. The rest is in files beside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from planeapp.sandbox.plane import pages, tracker_customers, tracker_item, tracker_settings, work_items
from planeapp.sandbox.plane.auth import MEMBER, role_in
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

View = Callable[[Plane, Request], Awaitable[Response]]


def views() -> dict[str, View]:
    """Every page's path and view."""
    found: dict[str, View] = {
        "/": _home,
        "/who/": _who,
        "/{slug}/": _projects,
        "/{slug}/projects/{project_id:uuid}/issues/": _items,
    }
    guarded = found | tracker_customers.views() | tracker_item.views() | tracker_settings.views()
    return {path: _guarded(view) for path, view in guarded.items()}


def _guarded(view: View) -> View:
    async def shown(plane: Plane, request: Request) -> Response:
        try:
            return await view(plane, request)
        except pages.Refusal as refusal:
            return pages.refused(plane, request, refusal)

    return shown


def not_found(request: Request, detail: str) -> HTMLResponse:
    """The page for an address that is not there."""
    words = "Check the address, or start from the list of projects."
    return pages.refused(request.app.state.plane, request, pages.Refusal(404, "No such page", words))


async def _home(plane: Plane, request: Request) -> Response:
    places = pages.workspaces_of(plane, pages.looking(plane, request))
    return pages.back(f"/{places[0]['slug']}/" if places else "/who/")


async def _who(plane: Plane, request: Request) -> Response:
    """The picker that stands for signing in; sets the cookie."""
    if request.method != "POST":
        people = plane.store.find("user", is_bot=False)
        rows = [{"person": row, "places": pages.workspaces_of(plane, row)} for row in people]
        return pages.render(plane, request, "who.html", people=rows, next=request.query_params.get("next", "/"))
    form = await request.form()
    target = str(form.get("next", "/"))
    # Only paths of this server: no other host, and no //host either.
    answer = pages.back(target if target.startswith("/") and not target.startswith("//") else "/")
    answer.set_cookie(pages.COOKIE, str(form.get("user", pages.DEFAULT_USER)), samesite="lax", httponly=True)
    return answer


async def _projects(plane: Plane, request: Request) -> Response:
    workspace = pages.workspace_of(plane, request)
    user = pages.looking(plane, request)
    mine = [row for row in plane.live("project", workspace=workspace["id"]) if role_in(row, user)]
    rows = [{"project": row, "items": len(work_items.visible(plane, project=row["id"]))} for row in mine]
    return pages.render(plane, request, "projects.html", workspace=workspace, projects=rows)


async def _items(plane: Plane, request: Request) -> Response:
    """The list of a project's items, and the form that adds one."""
    workspace = pages.workspace_of(plane, request)
    user = pages.looking(plane, request)
    project = plane.one("project", str(request.path_params["project_id"]))
    role = role_in(project, user)
    if project is None or role == 0 or project["workspace"] != workspace["id"]:
        raise pages.Refusal(404, "No such project", "It does not exist, or you are not a member of it.")
    if request.method == "POST":
        name = str((await request.form()).get("name", "")).strip()
        if role < MEMBER or not name:
            raise pages.Refusal(400, "Nothing was added", "Give the work item a name, as a person who may add some.")
        item = work_items.create(plane, project, user, {"name": name[:255], "description_html": "<p></p>"})
        return pages.back(f"/{workspace['slug']}/browse/{work_items.key_of(plane, item)}/")
    rows = [_row(plane, item) for item in work_items.visible(plane, project=project["id"])]
    return pages.render(plane, request, "items.html", workspace=workspace, project=project, items=rows)


def _row(plane: Plane, item: Doc) -> Doc:
    state = plane.store.get("state", item["state"]) or {}
    labels = [row for row in (plane.store.get("label", key) for key in item["labels"]) if row]
    people = [row for row in (plane.store.get("user", key) for key in item["assignees"]) if row]
    return {"item": item, "key": work_items.key_of(plane, item), "state": state, "labels": labels, "people": people}
