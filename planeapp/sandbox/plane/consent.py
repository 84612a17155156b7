"""The consent page of OAuth: GET /auth/o/authorize-app/, and what its two buttons do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from planeapp.sandbox.plane import installs, oauth, pages, scopes
from planeapp.sandbox.plane.auth import ADMIN, role_in
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

_FIELDS = ("client_id", "redirect_uri", "scope", "state", "response_type", "code_challenge", "code_challenge_method")


@dataclass(frozen=True)
class _Asked:
    application: Doc
    values: dict[str, str]
    ticked: tuple[str, ...] | None = None

    @property
    def scope(self) -> str:
        """What the app asks for, or as much of it as the boxes on the page leave."""
        asked = self.values.get("scope") or scopes.DEFAULT
        return asked if self.ticked is None else " ".join(name for name in asked.split() if name in self.ticked)

    def sent_back(self, **answer: str) -> Response:
        uri = self.values["redirect_uri"]
        if self.values.get("state"):
            answer["state"] = self.values["state"]
        return RedirectResponse(uri + ("&" if "?" in uri else "?") + urlencode(answer), status_code=302)


async def page(plane: Plane, request: Request) -> Response:
    """Show the question, or act on the answer."""
    form = await request.form() if request.method == "POST" else request.query_params
    try:
        asked = _asked(plane, form)
        problem = _problem(asked)
        if problem:
            return asked.sent_back(error=problem)
        if request.method == "POST":
            return _decide(plane, request, asked, {name: str(value) for name, value in form.items()})
    except pages.Refusal as refusal:
        return pages.refused(plane, request, refusal)
    return _question(plane, request, asked)


def _asked(plane: Plane, form: FormData | QueryParams) -> _Asked:
    """Whatever is wrong with client or redirect URI is told here and never sent to an unknown address."""
    values = {name: str(form.get(name, "")) for name in _FIELDS}
    application = oauth.application_of(plane, values["client_id"])
    if application is None:
        raise pages.Refusal(400, "Unknown app", "No app has this client id. Check PLANE_CLIENT_ID of the app.")
    if values["redirect_uri"] not in application["redirect_uris"]:
        known = ", ".join(application["redirect_uris"])
        raise pages.Refusal(400, "Unknown redirect URI", f"The app registered {known}. Send one of these.")
    ticked = tuple(str(name) for name in form.getlist("allow")) if form.get("boxes") else None
    return _Asked(application, values, ticked)


def _problem(asked: _Asked) -> str:
    if asked.values.get("response_type") != "code":
        return "unsupported_response_type"
    if scopes.unknown(asked.scope):
        return "invalid_scope"
    return "" if asked.values.get("code_challenge_method") in ("", "plain", "S256") else "invalid_request"


def _question(plane: Plane, request: Request, asked: _Asked) -> Response:
    user = pages.looking(plane, request)
    places = [
        {
            "workspace": row,
            "installed": installs.standing(plane, row, asked.application),
            "admin": role_in(row, user) >= ADMIN,
        }
        for row in pages.workspaces_of(plane, user)
    ]
    hidden = {name: value for name, value in asked.values.items() if value}
    again = f"{request.url.path}?{request.url.query}"
    return pages.render(
        plane,
        request,
        "consent.html",
        app=asked.application,
        scopes=asked.scope.split(),
        places=places,
        hidden=hidden,
        again=again,
    )


def _decide(plane: Plane, request: Request, asked: _Asked, form: dict[str, str]) -> Response:
    if form.get("decision") != "approve":
        return asked.sent_back(error="access_denied")
    if not asked.scope:
        raise pages.Refusal(400, "Nothing is allowed", "Go back and leave at least one permission ticked, or deny.")
    user = pages.looking(plane, request)
    workspace = plane.workspace(form.get("workspace", ""))
    if workspace is None or role_in(workspace, user) == 0:
        raise pages.Refusal(400, "Choose a workspace", "Go back and choose one that you are a member of.")
    challenge, method = asked.values.get("code_challenge", ""), asked.values.get("code_challenge_method", "")
    code = oauth.issue_code(plane, user, asked.scope, asked.values["redirect_uri"], challenge, method or "plain")
    if installs.standing(plane, workspace, asked.application) and not form.get("reinstall"):
        return asked.sent_back(code=code)
    if role_in(workspace, user) < ADMIN:
        raise pages.Refusal(
            403, "Only an admin can install", f"Ask an admin of {workspace['name']} to install this app."
        )
    installation = installs.install(plane, workspace, asked.application, user, asked.scope)
    return asked.sent_back(code=code, app_installation_id=installation["id"])
