"""How a request is refused: one exception, shown as JSON to programs."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from planeapp.sandbox.planner.schedule import Invalid, NotFound
from planeapp.sandbox.planner.templating import page


class Refused(Exception):
    """``{"error": {"code": …, "message": …, **more}}`` with a status and headers."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = {"error": {"code": code, "message": message, **more}}

    def response(self) -> JSONResponse:
        """The answer to send."""
        return JSONResponse(self.body, self.status, self.headers)


async def on_refused(request: Request, error: Exception) -> JSONResponse:
    """Starlette's handler for Refused."""
    assert isinstance(error, Refused)
    return error.response()


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """422 with ``errors[].{field, message}``."""
    assert isinstance(error, Invalid)
    summary = {"code": "validation_failed", "message": "Some fields need another value; see errors."}
    return JSONResponse({"error": summary, "errors": error.errors}, 422)


async def on_not_found(request: Request, error: Exception) -> Response:
    """404 for a block that is not there: a page for people, JSON for programs."""
    if "text/html" in request.headers.get("accept", ""):
        text = f"{error} It may have been deleted in the meantime."
        return page(request, "message.html", status=404, title="No such block", text=text)
    return Refused(404, "not_found", str(error)).response()


async def on_http(request: Request, error: Exception) -> JSONResponse:
    """Starlette's own refusals (no such path, wrong method), in the same shape."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    return Refused(error.status_code, "not_possible", str(error.detail), headers).response()


HANDLERS = {Refused: on_refused, Invalid: on_invalid, NotFound: on_not_found, HTTPException: on_http}
