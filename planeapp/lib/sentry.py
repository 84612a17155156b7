"""Errors to Sentry, where ``SENTRY_DSN`` is set and ``sentry-sdk`` is installed; never with whose data it was.

``scrub_event`` builds the event anew from what is known to be harmless, so that a field that a later version of the SDK
adds stays here. Shapes: Sentry developer docs, "Event Payloads".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import structlog

from planeapp.lib.logs import scrub

log = structlog.get_logger(__name__)
KEPT = ("timestamp", "platform", "level", "logger", "release", "environment", "transaction", "type")
FRAME = ("filename", "function", "module", "lineno", "in_app", "context_line")
E_MAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", re.IGNORECASE)
SLUG = re.compile(r"(/w|/workspaces)/[^/\s\"']+")
OPAQUE = re.compile(r"(/webhooks/[\w-]+)/[\w-]+")
MISSING = "SENTRY_DSN is set but sentry-sdk is not installed: pip install sentry-sdk"


def installed() -> bool:
    """Whether the SDK can be imported."""
    return find_spec("sentry_sdk") is not None


def start(dsn: str) -> bool:
    """Report errors from now on; False, with one clear line in the log, when the SDK is not installed."""
    if not installed():
        log.error(MISSING)
        return False
    import_module("sentry_sdk").init(
        dsn=dsn, before_send=scrub_event, before_breadcrumb=_no_breadcrumb, send_default_pii=False,
        include_local_variables=False, max_request_body_size="never", traces_sample_rate=0,
    )  # fmt: skip
    return True


def clean(text: str) -> str:
    """A text without credentials, addresses of people, ids of workspaces and of connections."""
    text = OPAQUE.sub(r"\1/[hidden]", SLUG.sub(r"\1/[hidden]", scrub(text)))
    return UUID.sub("[id]", E_MAIL.sub("[e-mail]", text))


def scrub_event(event: Mapping[str, Any], hint: object = None) -> dict[str, Any]:
    """The event with what says where in the code it happened, and nothing about who or with what."""
    told = {name: _clean(event[name]) for name in KEPT if name in event}
    if "event_id" in event:
        told["event_id"] = event["event_id"]  # Sentry's own
    if "exception" in event:
        told["exception"] = {"values": [_exception(one) for one in _list(event["exception"])]}
    if message := _message(event):
        told["message"] = clean(message)
    request = event.get("request") or {}
    if request.get("method"):
        told["request"] = {"method": str(request["method"]), "url": clean(_path(str(request.get("url", ""))))}
    return told


def _no_breadcrumb(crumb: object, hint: object = None) -> None:
    """None of what happened before: it holds addresses and queries."""


def _clean(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _list(of: Any) -> list[Mapping[str, Any]]:
    return list(of.get("values") or []) if isinstance(of, Mapping) else list(of or [])


def _exception(one: Mapping[str, Any]) -> dict[str, Any]:
    frames = (one.get("stacktrace") or {}).get("frames") or []
    return {
        "type": one.get("type"), "module": one.get("module"), "value": clean(str(one.get("value") or "")),
        "stacktrace": {"frames": [{name: _clean(frame[name]) for name in FRAME if name in frame} for frame in frames]},
    }  # fmt: skip


def _message(event: Mapping[str, Any]) -> str:
    entry = event.get("logentry") or {}
    return str(entry.get("formatted") or entry.get("message") or event.get("message") or "")


def _path(url: str) -> str:
    """The path alone: the host names the customer where each has one, the query holds codes and states."""
    return "/" + re.sub(r"^[a-z]+://[^/]*/?", "", url).lstrip("/").partition("?")[0].partition("#")[0]
