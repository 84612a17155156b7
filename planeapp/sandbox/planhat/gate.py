"""What every API call passes: who asks, how often, and whether the token may touch the model."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.store import Doc

BODY_CAP = 32 * 1024 * 1024
ACTIONS = {"GET": "view", "HEAD": "view", "POST": "create", "PUT": "update", "DELETE": "remove"}


class Refusal(Exception):
    """An answer other than success. ``body`` is a message (sent as ``{"message": …}``) or a whole JSON body."""

    def __init__(self, status: int, body: str | Doc, form: str = "json") -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body, self.form = status, body, form

    def answer(self) -> Response:
        """The HTTP answer; Planhat mixes JSON, HTML and bare strings."""
        if self.form == "html":
            text = html.escape(str(self.body))
            return HTMLResponse(f"<!DOCTYPE html><html><body><pre>{text}</pre></body></html>", self.status)
        if self.form == "text":
            return PlainTextResponse(str(self.body), self.status)
        return JSONResponse(self.body if isinstance(self.body, dict) else {"message": self.body}, self.status)


@dataclass
class Call:
    """One authenticated API call."""

    tenant: Tenant
    request: Request
    token: Doc

    @property
    def ident(self) -> str:
        """The id in the path, percent-decoded; empty for ``/model/``."""
        return str(self.request.path_params.get("ident", ""))

    async def json(self) -> Any:
        """The body as JSON; 400 when it is not, 413 over 32 MB."""
        return await read_json(self.request)


Handler = Callable[[Call], Awaitable[Response]]


async def read_json(request: Request) -> Any:
    """A request's body as JSON; 400 when it is not, 413 over 32 MB."""
    raw = await request.body()
    if len(raw) > BODY_CAP:
        raise Refusal(413, "request entity too large")
    try:
        return json.loads(raw)
    except ValueError:
        raise Refusal(400, "Unexpected token in JSON") from None


def guarded(tenant: Tenant, handler: Handler, model: str | None) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that counts the call, checks token and model, and turns refusals into answers."""

    async def endpoint(request: Request) -> Response:
        token = known_token(tenant, request)
        return await counted(
            tenant, str(token["token"] if token else ""), lambda: _answer(tenant, request, token, handler, model)
        )

    return endpoint


async def counted(tenant: Tenant, bucket: str, work: Callable[[], Awaitable[Response]]) -> Response:
    """Do ``work`` within the limits of a bucket; the rate headers are on every answer, 429 included."""
    free, headers = tenant.limits.enter(bucket)
    try:
        response = await work() if free else Refusal(429, "Too many requests", "text").answer()
    except Refusal as refusal:
        response = refusal.answer()
    finally:
        tenant.limits.leave(bucket)
    response.headers.update(headers)
    return response


async def _answer(tenant: Tenant, request: Request, token: Doc | None, handler: Handler, model: str | None) -> Response:
    if token is None:
        raise Refusal(401, "Unauthorized", "text")
    # Bulk writes report permissions record by record, so only the model itself is checked here for PUT.
    if model is not None and not may(token, model, None if request.method == "PUT" else ACTIONS[request.method]):
        raise Refusal(403, "Invalid or unauthorized model")
    return await handler(Call(tenant, request, token))


def known_token(tenant: Tenant, request: Request) -> Doc | None:
    """The token document behind the Authorization header; None for unknown, disabled or another region's tokens."""
    secret = _secret(request.headers.get("authorization", ""))
    token = tenant.store.get("tokens", secret) if secret else None
    if token is None or not token.get("active", True) or token.get("region", "") != region_of(request):
        return None
    return token


def region_of(request: Request) -> str:
    """The cluster that the Host header names: ``api-us4.…`` is "us4", anything else the main one, ""."""
    found = re.match(r"api-([a-z]{2}\d*)\.", request.headers.get("host", ""))
    return found.group(1) if found else ""


def _secret(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        user, colon, _ = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return user if colon else ""  # without the colon it is not Basic, as Planhat's own page says


def may(token: Doc, model: str, action: str | None) -> bool:
    """Whether the token's app may do ``action`` on a model; None asks whether it has any right there."""
    models = token.get("models", "*")
    if models == "*":
        return True
    return bool(models.get(model)) if action is None else action in models.get(model, [])


def sees(token: Doc, model: str, record: Doc) -> bool:
    """Whether a record is outside the companies that are closed to this token (``denied`` on the token)."""
    denied = set(token.get("denied", []))
    if not denied:
        return True
    ids = {record.get("_id")} if model == "companies" else {record.get("companyId"), *(record.get("companyIds") or [])}
    return not denied & ids
