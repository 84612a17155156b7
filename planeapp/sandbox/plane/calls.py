"""One API call from its bytes to its answer, in the order in which Plane takes the steps:
size, who calls, may they, how often, is the method known, then the work."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from planeapp.sandbox.plane.auth import GUEST, MEMBER, Caller, authenticate, role_in
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.plane.errors import ApiError, broken, forbidden, missing
from planeapp.sandbox.plane.limits import Limits, TooMany
from planeapp.sandbox.plane.scopes import allows
from planeapp.sandbox.plane.serializers import in_zone
from planeapp.sandbox.store import Doc

MOST_BYTES = 5 * 1024 * 1024
SAFE = ("GET", "HEAD", "OPTIONS")
log = logging.getLogger(__name__)


@dataclass
class Call:
    """What a handler is given. ``workspace`` and ``project`` are there when the path names them and they exist."""

    plane: Plane
    method: str
    path: dict[str, str]
    query: dict[str, str]
    raw: bytes
    content_type: str
    caller: Caller
    workspace: Doc | None = None
    project: Doc | None = None

    @property
    def safe(self) -> bool:
        """Whether the method only reads."""
        return self.method in SAFE

    @property
    def user(self) -> Doc:
        """Whom the call acts for."""
        return self.caller.user

    @property
    def here(self) -> Doc:
        """The workspace of the path."""
        return _present(self.workspace)

    @property
    def within(self) -> Doc:
        """The project of the path."""
        return _present(self.project)

    @cached_property
    def data(self) -> Any:
        """The body: JSON or a form. Raises 400 when it cannot be read, 415 for another type."""
        if self.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            return dict(parse_qsl(self.raw.decode("utf-8", "replace"), keep_blank_values=True))
        if self.content_type not in ("", "application/json"):
            raise ApiError(415, {"detail": f'Unsupported media type "{self.content_type}" in request.'})
        try:
            return json.loads(self.raw or b"{}")
        except ValueError as error:
            raise ApiError(400, {"detail": f"JSON parse error - {error}"}) from error


def _present(row: Doc | None) -> Doc:
    if row is None:
        raise missing()
    return row


Answer = tuple[int, Any]
Handler = Callable[[Call], Answer]
Rule = Callable[[Call], bool]


def anyone(call: Call) -> bool:
    """Every caller with a good token."""
    return True


def of_workspace(call: Call) -> bool:
    """Members of the workspace; guests may only read."""
    return role_in(call.workspace, call.user) >= (GUEST if call.safe else MEMBER)


def of_project(call: Call) -> bool:
    """Members of the project; guests may only read. A project that is not there has no members."""
    return role_in(call.project, call.user) >= (GUEST if call.safe else MEMBER)


@dataclass(frozen=True)
class Endpoint:
    """One address: who may call it, under which scope (empty = any), and a handler per method."""

    path: str
    scope: str
    rule: Rule
    handlers: Mapping[str, Handler] = field(hash=False)

    @property
    def allow(self) -> str:
        """The Allow header."""
        return ", ".join(self.handlers)


async def answer(plane: Plane, limits: Limits, endpoint: Endpoint, request: Request) -> Response:
    """Take one request through all steps. Never raises: what goes wrong is an answer too."""
    headers = {"Allow": endpoint.allow, "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"}
    raw = await request.body()
    zone = "UTC"
    try:
        call = _admit(plane, endpoint, request, raw)
        zone = call.user.get("user_timezone") or "UTC"
        headers |= limits.count(plane, call.caller.token)
        if call.method not in endpoint.handlers:
            raise ApiError(405, {"detail": f'Method "{call.method}" not allowed.'})
        status, body = endpoint.handlers[call.method](call)
    except TooMany as refusal:
        headers["Retry-After"] = str(refusal.retry_after)
        status, body = refusal.status, refusal.body
    except ApiError as refusal:
        status, body = refusal.status, refusal.body
    except Exception:  # as the real server: one wording for whatever was not foreseen, the details in the log
        log.exception("%s %s failed", request.method, request.url.path)
        status, body = broken().status, broken().body
    if status == 204:
        return Response(status_code=204, headers=headers)
    return JSONResponse(in_zone(body, zone), status_code=status, headers=headers)


def _admit(plane: Plane, endpoint: Endpoint, request: Request, raw: bytes) -> Call:
    if len(raw) > MOST_BYTES:
        raise ApiError(
            413, {"error": "REQUEST_BODY_TOO_LARGE", "detail": "The size of the request body exceeds the limit."}
        )
    caller = authenticate(plane, {name.lower(): value for name, value in request.headers.items()})
    path = {name: str(value) for name, value in request.path_params.items()}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    method = "GET" if request.method == "HEAD" else request.method
    call = Call(plane, method, path, dict(request.query_params), raw, kind, caller)
    call.workspace = plane.workspace(path["slug"]) if "slug" in path else None
    call.project = _project(call)
    if not endpoint.rule(call) or (endpoint.scope and not allows(caller.scope, endpoint.scope, not call.safe)):
        raise forbidden()
    return call


def _project(call: Call) -> Doc | None:
    if call.workspace is None:
        return None
    if "identifier" in call.path:
        found = call.plane.live("project", workspace=call.workspace["id"], identifier=call.path["identifier"])
        return found[0] if found else None
    project = call.plane.one("project", call.path.get("project_id", ""))
    return project if project and project["workspace"] == call.workspace["id"] else None
