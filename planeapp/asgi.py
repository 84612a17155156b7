"""The web process's entry: vendors' deliveries go to the inbox's doors, everything else to Django.

Django's pages run as WSGI in a pool of threads. A request's body is read whole before a thread is taken, so that slow
senders cannot keep the pages from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_from_bytes

from a2wsgi import WSGIMiddleware
from structlog.contextvars import bound_contextvars

from planeapp.wsgi import application as pages

# The pages come first: importing them loads the settings that the doors need.
from planeapp.inbox.asgi import PREFIX, Doors, Send  # isort: skip
from planeapp.lib.bodies import Bodies, Crowded, Message, Receive, TooLarge, TooSlow  # isort: skip
from planeapp.lib.log_context import telling, with_request_id  # isort: skip

THREADS = 8
QUERY = "%!$&'()*+,;=:@/?-._~[]{}|^`\\\"<>"
MAX_FORM = 2 * 1024 * 1024

doors = Doors()
django = WSGIMiddleware(pages, workers=THREADS)  # type: ignore[arg-type]
forms = Bodies(MAX_FORM)


async def application(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """One request."""
    if scope["type"] == "http" and scope["path"].startswith(PREFIX):
        own, scope = with_request_id(scope)  # the delivery keeps it among its headers; pages have a middleware for it
        with bound_contextvars(request=own):
            await doors(scope, receive, telling(send, own))
    elif scope["type"] == "http":
        await _page(scope, receive, send)
    else:
        await django(scope, receive, send)  # type: ignore[arg-type]


async def _page(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    try:
        async with forms.read(receive) as body:
            await django(_plain(scope), _replay(body, receive), send)  # type: ignore[arg-type]
    except TooLarge:
        await _refuse(send, 413, b"This is larger than we take.")
    except (TooSlow, Crowded):
        await _refuse(send, 408, b"The request did not arrive in time. Please send it again.")


def _plain(scope: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without headers whose names hold an underscore, which WSGI cannot tell from a proxy's own; the query in ASCII."""
    headers = [(name, value) for name, value in scope["headers"] if b"_" not in name]
    return {**scope, "headers": headers, "query_string": quote_from_bytes(scope["query_string"], safe=QUERY).encode()}


def _replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, then what comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return parts.pop() if parts else await receive()

    return again


async def _refuse(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
