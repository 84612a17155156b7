"""The one HTTP client: timeouts, a size cap, a User-Agent, guarded addresses, failures turned into our errors.

It knows no vendor: what a status means is sorted in each vendor's own ``raise_for_response``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from planeapp.lib.errors import FixSettings, OutcomeUnknown, RetryLater
from planeapp.lib.outbound import Guard, GuardedTransport

USER_AGENT = "Groundcrew/1.0 (+https://plane.so/marketplace)"
MAX_ANSWER = 32 * 1024 * 1024
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Http:
    """A pool of connections for one process. Safe for threads.

    ``send`` returns the response whatever its status. It raises RetryLater when nothing can have happened on the other
    side, OutcomeUnknown when a write was sent and its answer was lost, FixSettings when the address is not allowed.
    """

    def __init__(
        self, guard: Guard, transport: httpx2.BaseTransport | None = None, *, seconds: float = READ_SECONDS
    ) -> None:
        self.guard = guard
        self.seconds = seconds
        self._client = httpx2.Client(
            transport=transport or GuardedTransport(guard),
            timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none: one client serves every workspace
            follow_redirects=False,
            trust_env=False,
        )

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        content: bytes | None = None,
        seconds: float | None = None,
        repeatable: bool | None = None,
    ) -> httpx2.Response:
        """Send one request and read its whole answer (at most 32 MiB).

        An answer that is not whole after ``seconds`` (default: the client's) is given up, at the latest when its next part
        is ``seconds`` late.
        ``repeatable`` says that sending again does no harm (default: GET, HEAD, OPTIONS); such a request never ends
        in OutcomeUnknown.
        """
        safe = method.upper() in SAFE_METHODS if repeatable is None else repeatable
        seconds = self.seconds if seconds is None else seconds
        try:
            request = self._client.build_request(
                method, url, headers=headers, params=params, json=json, data=data, content=content,
                timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
            )  # fmt: skip
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:  # their texts may hold a token
            raise FixSettings(f"{method}: address or header cannot be sent ({type(error).__name__})") from None
        where = f"{method} {request.url.scheme}://{request.url.netloc.decode()}{request.url.path}"
        deadline = time.monotonic() + seconds
        try:
            response = self._client.send(request, stream=True)
            _read_within(response, deadline)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise RetryLater(f"{where}: no connection ({type(error).__name__})") from error
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
            raise FixSettings(f"{where}: {error}") from error
        except httpx2.HTTPError as error:
            problem = f"{where}: answer lost ({type(error).__name__})"
            raise (RetryLater if safe else OutcomeUnknown)(problem) from error
        return response

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _read_within(response: httpx2.Response, deadline: float) -> None:
    """Read the body into ``response``, or raise ReadTimeout / ReadError when it is too slow or too large."""
    body = bytearray()
    try:
        for part in response.iter_bytes():
            body += part
            if len(body) > MAX_ANSWER:
                raise httpx2.ReadError("answer too large", request=response.request)
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout("answer too slow", request=response.request)
    finally:
        response.close()
    response._content = bytes(body)  # what response.read() itself does, with the two limits added
