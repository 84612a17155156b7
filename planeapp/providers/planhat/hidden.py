"""Keeps the tenant id, which stands in the path of the open endpoints, out of errors and logs.

Whoever holds the id can push data into the account (Planhat API page, "open" end points).
"""

from __future__ import annotations

import copy
import logging
from contextvars import ContextVar
from urllib.parse import quote

import httpx2

from planeapp.lib.errors import GroundcrewError
from planeapp.lib.http import Http

SHOWN = "<tenant>"

_secret: ContextVar[str] = ContextVar("planhat_tenant", default="")


class HideTenant(logging.Filter):
    """Takes the tenant id of the request under way out of a log line: the HTTP library logs whole addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed where it names the tenant."""
        secret = _secret.get()
        if secret:
            record.msg, record.args = redacted(record.getMessage(), secret), ()
        return True


logging.getLogger("httpx2").addFilter(HideTenant())


def redacted(text: str, secret: str) -> str:
    """``text`` without ``secret``, as it is or percent-encoded."""
    return text.replace(secret, SHOWN).replace(quote(secret, safe=""), SHOWN)


def send_open(http: Http, url: str, tenant: str, content: bytes) -> httpx2.Response:
    """POST to an address that holds the tenant id, without credentials. Errors are those of ``Http.send``, redacted."""
    token = _secret.set(tenant)
    try:
        return http.send("POST", url, content=content, headers={"Content-Type": "application/json"})
    except GroundcrewError as error:
        problem = copy.copy(error)
        problem.args = (redacted(str(error), tenant),)
    finally:
        _secret.reset(token)
    raise problem  # outside of the handler, so that the original with its address is not attached as its context
