"""The page of one work item: its fields, its comments, and its talks with bots."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from planeapp.sandbox.plane import agents, comments, fields, html, pages, work_items
from planeapp.sandbox.plane.auth import MEMBER, role_in
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError
from planeapp.sandbox.plane.thread import name_of, thread
from planeapp.sandbox.store import Doc

_SINGLE = ("name", "priority", "state", "start_date", "target_date")
_SEVERAL = ("labels", "assignees")


def views() -> dict[str, Callable[[Plane, Request], Awaitable[Response]]]:
    """Paths and views of the item page and its forms."""
    base = "/{slug}/browse/{key}/"
    return {
        base: _item,
        base + "comments/": _comments,
        base + "comments/{comment_id:uuid}/": _comment,
        base + "archive/": _archive,
        base + "delete/": _delete,
        "/{slug}/runs/{run_id:uuid}/stop/": _stop,
    }


def _found(plane: Plane, request: Request) -> tuple[Doc, Doc, Doc]:
    """Workspace, project and item of the path; writing takes a member of the project."""
    workspace = pages.workspace_of(plane, request)
    parts = re.fullmatch(r"(.+)-(\d+)", request.path_params["key"])
    user = pages.looking(plane, request)
    for project in plane.live("project", workspace=workspace["id"], identifier=parts.group(1).upper()) if parts else []:
        items = plane.live("work_item", project=project["id"], sequence_id=int(parts.group(2)) if parts else 0)
        if items and role_in(project, user):
            if request.method == "POST" and role_in(project, user) < MEMBER:
                raise pages.Refusal(403, "Guests may only read", "Become another person at the top to change things.")
            return workspace, project, items[0]
    raise pages.Refusal(404, "No such work item", "It was deleted, or you are not a member of its project.")


def _path(workspace: Doc, project: Doc, item: Doc) -> str:
    return f"/{workspace['slug']}/browse/{project['identifier']}-{item['sequence_id']}/"


async def _item(plane: Plane, request: Request) -> Response:
    workspace, project, item = _found(plane, request)
    if request.method == "POST":
        values = _changed(plane, item, await request.form())
        try:
            values = fields.clean(plane, values, work_items.CHECKS)
            work_items.update(plane, item, pages.looking(plane, request), values, in_pages=True)
        except ApiError as error:
            raise pages.Refusal(400, "Not saved", f"Go back and mend this: {error.body}") from error
        return pages.back(_path(workspace, project, item))
    people = [row for row in (plane.store.get("user", key) for key in project["members"]) if row]
    return pages.render(
        plane,
        request,
        "item.html",
        workspace=workspace,
        project=project,
        item=item,
        key=work_items.key_of(plane, item),
        path=_path(workspace, project, item),
        states=plane.live("state", project=project["id"]),
        labels=plane.live("label", project=project["id"]),
        people=people,
        priorities=work_items.PRIORITIES,
        description=html.lines(item["description_html"]),
        described=html.shown(item["description_html"], lambda key: name_of(plane, key)),
        links=plane.live("link", issue=item["id"]),
        thread=thread(plane, item),
        reply_to=request.query_params.get("reply_to", ""),
    )


def _changed(plane: Plane, item: Doc, form: FormData) -> Doc:
    """The fields whose value in the form is not that of the item, as the web pages of Plane send them."""
    sent: Doc = {}
    for name in _SINGLE:
        if name in form:
            sent[name] = str(form[name]) or (None if name.endswith("_date") else "")
    for name in _SEVERAL:
        # An unticked group sends nothing, so a hidden mark says that the group was in the form.
        if name in form or f"{name}_shown" in form:
            sent[name] = [str(value) for value in form.getlist(name)]
            if set(sent[name]) == set(item[name]):
                del sent[name]
    words = str(form.get("description", "")).replace("\r\n", "\n").strip()
    if "description" in form and words != html.lines(item["description_html"]):
        sent["description_html"] = html.paragraphs(words)
    return {name: value for name, value in sent.items() if value != item[name]}


async def _comments(plane: Plane, request: Request) -> Response:
    """GET: the thread alone, for the script that refreshes it. POST: a new comment or reply."""
    workspace, project, item = _found(plane, request)
    path = _path(workspace, project, item)
    if request.method != "POST":
        return pages.render(plane, request, "_thread.html", workspace=workspace, thread=thread(plane, item), path=path)
    form = await request.form()
    said = str(form.get("comment_html", "")).strip() or _written(form)
    parent = plane.one("comment", str(form.get("parent", "")))
    if not said:
        raise pages.Refusal(400, "Nothing was said", "Go back and write a comment.")
    user = pages.looking(plane, request)
    comments.add(plane, item, user, comment_html=said, parent=(parent["parent"] or parent["id"]) if parent else None)
    return pages.back(path + "#comment-form")


def _written(form: FormData) -> str:
    """The comment of a browser without script: a person to mention, and text."""
    words, whom = str(form.get("text", "")).strip(), str(form.get("mention", ""))
    if not words and not whom:
        return ""
    return html.paragraphs(words, html.mention(whom) + " " if whom else "")


async def _comment(plane: Plane, request: Request) -> Response:
    """POST: edit (``text`` or ``comment_html``) or delete (``action=delete``) a comment."""
    workspace, project, item = _found(plane, request)
    row = plane.one("comment", str(request.path_params["comment_id"]))
    if row is None or row["issue"] != item["id"]:
        raise pages.Refusal(404, "No such comment", "It was deleted. Go back to the work item.")
    form = await request.form() if request.method == "POST" else FormData()
    user = pages.looking(plane, request)
    if form.get("action") == "delete":
        comments.delete(plane, row, user)
    elif form:
        said = str(form.get("comment_html", "")).strip() or html.paragraphs(str(form.get("text", "")))
        comments.edit(plane, row, user, in_pages=True, comment_html=said)
    return pages.back(_path(workspace, project, item))


async def _archive(plane: Plane, request: Request) -> Response:
    """Archive or take back; no webhook tells of it."""
    workspace, project, item = _found(plane, request)
    if request.method == "POST":
        day = None if item["archived_at"] else plane.clock.now().date().isoformat()
        plane.change("work_item", item, pages.looking(plane, request)["id"], archived_at=day)
    return pages.back(_path(workspace, project, item))


async def _delete(plane: Plane, request: Request) -> Response:
    workspace, project, item = _found(plane, request)
    if request.method != "POST":
        return pages.back(_path(workspace, project, item))
    work_items.delete(plane, item, pages.looking(plane, request))
    return pages.back(f"/{workspace['slug']}/projects/{project['id']}/issues/")


async def _stop(plane: Plane, request: Request) -> Response:
    """POST: ask the bot to stop its run."""
    workspace = pages.workspace_of(plane, request, MEMBER)
    run = plane.one("run", str(request.path_params["run_id"]))
    item = plane.one("work_item", (run or {}).get("issue") or "")
    if run is None or item is None or run["workspace"] != workspace["id"]:
        raise pages.Refusal(404, "No such run", "Go back to the work item.")
    if request.method == "POST" and agents.status_of(plane, run) in (*agents.OPEN, "stale"):
        agents.prompt(plane, run, pages.looking(plane, request), None, signal="stop")
    return pages.back(f"/{workspace['slug']}/browse/{work_items.key_of(plane, item)}/")
