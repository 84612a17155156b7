"""What all pages of the tracker share: templates, who is looking, and refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from planeapp.sandbox.plane.auth import GUEST, role_in
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

COOKIE = "sandbox_user"
DEFAULT_USER = "ada"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Refusal(Exception):
    """Ends a page with a status and a sentence that says what to do."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(title)
        self.status, self.title, self.words = status, title, words


def when(value: str | None) -> str:
    """A stored time, short."""
    return datetime.fromisoformat(value).astimezone(UTC).strftime("%-d %b %H:%M") if value else ""


_TEMPLATES.filters["when"] = when


def looking(plane: Plane, request: Request) -> Doc:
    """The person whom the cookie names; Ada without one."""
    name = request.cookies.get(COOKIE, DEFAULT_USER)
    people = plane.store.find("user", display_name=name, is_bot=False)
    return people[0] if people else plane.store.find("user", is_bot=False)[0]


def workspace_of(plane: Plane, request: Request, least: int = GUEST) -> Doc:
    """The workspace of the path, if the person has at least this role in it. Raises :class:`Refusal`."""
    workspace = plane.workspace(request.path_params["slug"])
    role = role_in(workspace, looking(plane, request))
    if workspace is None or role == 0:
        raise Refusal(
            404, "No such workspace", "It does not exist, or you are not a member. Choose another person at the top."
        )
    if role < least:
        raise Refusal(
            403, "Not with your role", "Ask a person with a higher role in this workspace, or become one at the top."
        )
    return workspace


def workspaces_of(plane: Plane, user: Doc) -> list[Doc]:
    """Workspaces that a person is a member of."""
    return [row for row in plane.live("workspace") if role_in(row, user)]


def render(plane: Plane, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page made from a template."""
    user = looking(plane, request)
    shared: Doc = {"user": user, "here": request.url.path, "workspace": None, "workspaces": workspaces_of(plane, user)}
    return HTMLResponse(_TEMPLATES.get_template(template).render(shared | values), status_code=status)


def refused(plane: Plane, request: Request, refusal: Refusal) -> HTMLResponse:
    """The page that tells a refusal."""
    return render(plane, request, "refused.html", refusal.status, title=refusal.title, words=refusal.words)


def back(path: str) -> Response:
    """After a form: look at the result with a GET."""
    return RedirectResponse(path, status_code=303)
