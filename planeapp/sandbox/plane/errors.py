"""Refusals of the API, in the several shapes in which Plane words them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """Ends a call with ``status`` and the JSON value ``body``."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


def bad(**fields: Any) -> ApiError:
    """400 with a message list per field (``non_field_errors`` for the whole)."""
    return ApiError(400, fields)


def missing() -> ApiError:
    """404 for a row that is not there."""
    return ApiError(404, {"error": "The requested resource does not exist."})


def no_page() -> ApiError:
    """404 for an address that is not there."""
    return ApiError(404, {"error": "Page not found."})


def unauthenticated() -> ApiError:
    """401: no credentials, or none that are known."""
    return ApiError(401, {"detail": "Authentication credentials were not provided."})


def forbidden() -> ApiError:
    """403: known, but not allowed."""
    return ApiError(403, {"detail": "You do not have permission to perform this action."})


def conflict(what: str, key: str) -> ApiError:
    """409 with the id of the row that is in the way."""
    return ApiError(409, {"error": what, "id": key})


def broken() -> ApiError:
    """500, Plane's answer to what it did not foresee."""
    return ApiError(500, {"error": "Something went wrong please try again later"})
