"""The one synchronous way to Planner's MCP tools: sessions, tokens, paging and errors over either transport.

One session serves one task; nothing is held across requests or tasks. Which transport (``sdk`` or ``raw``) and which
era
(``legacy`` or ``modern``) fit a server is found by the probe and stored in the report.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown, ReconnectNeeded, RetryLater
from planeapp.providers.base import Access
from planeapp.providers.planner.answers import error_for, is_page, missing_scope, scope_refused, short, words_of
from planeapp.providers.planner.quota import allowance
from planeapp.providers.planner.raw_mcp import RawWire
from planeapp.providers.planner.sdk_mcp import SdkWire
from planeapp.providers.planner.wire import CallResult, Hello, Tool, Wire, WireFailure

T = TypeVar("T")
MCP_PATH = "/api/mcp"
OAUTH = "oauth"
SECONDS = 30.0
MAX_PAGES = 50
LEAST_SECONDS = 60.0
"""Tools are not listed anew more often than this, whatever a server says of how long its list stays true."""
METHOD_NOT_FOUND, INVALID_PARAMS, HEADER_MISMATCH, UNSUPPORTED_VERSION = -32601, -32602, -32020, -32022
STALE = frozenset({METHOD_NOT_FOUND, INVALID_PARAMS, HEADER_MISMATCH})
"""JSON-RPC errors that may come from tools that are not what they were when we listed them."""
DEFINITE = STALE | {-32021, UNSUPPORTED_VERSION}
"""JSON-RPC errors after which surely nothing was done: the server did not understand or accept the request."""


class StrictRefusal(FixSettings):
    """The SDK refused what the server sends; the raw wire may understand it."""

    default_person = "Planner's MCP server answers in an unusual form. Check the connection once more in the settings."


class Misunderstood(FixSettings):
    """The server does not know this call, or not in this form. Nothing was done; its tools may have changed."""


class McpSession:
    """A session of one connection, opened with ``with`` or by the first call.

    ``slot`` names the token to send. Raises the errors of ``planeapp.lib.errors`` alone: ReconnectNeeded, OutOfQuota,
    RetryLater, FixSettings, Gone, and OutcomeUnknown when a writing call was sent and its end is not clear.
    """

    def __init__(
        self, access: Access, url: str, *, slot: str = "api", wire: str = "sdk", era: str = "legacy",
        seconds: float = SECONDS,
    ) -> None:  # fmt: skip
        self.access = access
        self.url = url
        self.slot = slot
        self.wire = wire
        self.era = era
        self.seconds = seconds
        self.hello: Hello | None = None
        self._wire: Wire | None = None
        self._token = ""
        self._tools: tuple[Tool, ...] | None = None
        self._true_until = math.inf

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> Hello:
        """Shake hands if that has not been done; refreshes a refused token once and tries the other era once."""
        if self.hello is None:
            self._trying("initialize", self._shake_hands, writes=False)
        if self.hello is None:  # _trying either set it or raised
            raise RetryLater("initialize: no handshake")
        return self.hello

    def tools(self) -> tuple[Tool, ...]:
        """Every tool that the server lists: asked once for the session, and again when the server's own time for it ends."""
        self.open()
        if self._tools is None or time.monotonic() >= self._true_until:
            self._tools = self._trying("tools/list", self._all_pages, writes=False)
        return self._tools

    def forget_tools(self) -> None:
        """Have the tools listed anew when they are needed next."""
        self._tools = None

    def call(self, name: str, arguments: dict[str, Any], *, writes: bool) -> CallResult:
        """Call a tool. A result with ``is_error`` is given back as it is: only the caller knows what it asked for."""
        schema: dict[str, Any] = next((tool["input_schema"] for tool in self.tools() if tool["name"] == name), {})
        return self._trying(f"tools/call {name}", lambda: self._live().call(name, arguments, schema), writes=writes)

    def close(self) -> None:
        """End the session; it opens again with the next call."""
        if self._wire is not None:
            self._wire.close()
        self._wire, self.hello, self._tools = None, None, None

    def _live(self) -> Wire:
        if self._wire is None:
            self._shake_hands()
        if self._wire is None:
            raise WireFailure("no session", sent=False)
        return self._wire

    def _shake_hands(self) -> Hello:
        try:
            self.hello = self._fresh_wire().open(self._token)
        except WireFailure as failure:
            self._drop()
            if self.era != "legacy" or not _asks_for_other_era(failure):
                raise
            self.era = "auto"
            self.hello = self._fresh_wire().open(self._token)
        self.era = self.hello.era
        return self.hello

    def _fresh_wire(self) -> Wire:
        wire: Wire
        if self.wire == "raw":
            wire = RawWire(self.access.http, self.url, era=self.era, seconds=self.seconds)
        else:
            wire = SdkWire(self.access.http.guard, self.url, era=self.era, seconds=self.seconds)
        self._wire = wire
        return wire

    def _all_pages(self) -> tuple[Tool, ...]:
        found: list[Tool] = []
        cursor, lasts = "", math.inf
        for _ in range(MAX_PAGES):
            page = self._live().page(cursor)
            found += page.tools
            cursor, lasts = page.cursor, min(lasts, math.inf if page.ttl is None else page.ttl)
            if not cursor:
                break
        self._true_until = time.monotonic() + max(lasts, LEAST_SECONDS)
        return tuple(found)

    def _trying(self, what: str, work: Callable[[], T], *, writes: bool) -> T:
        """Do it; after a 401 once more with a newer token, after a lost session once more with a new one."""
        renewed = reopened = False
        while True:
            self._ask_leave()
            try:
                return self._counted(work)
            except WireFailure as failure:
                if failure.status == 401 and not renewed:
                    renewed = True
                    self._renew(what)
                elif _session_lost(failure) and self.hello is not None and not reopened:
                    reopened = True
                    self._drop()
                else:
                    self._after(failure)
                    raise self._sorted(f"MCP {what}", failure, writes) from failure

    def _ask_leave(self) -> None:
        """Take the token anew for each call: it may have been renewed, or may no longer be ours to use."""
        token = self.access.token(self.slot)
        if token != self._token:
            self._token = token
            if self._wire is not None:
                self._wire.use(token)

    def _counted(self, work: Callable[[], T]) -> T:
        """Do it as one call of the token's budget, however many requests the protocol makes of it."""
        with self.access.budget(self.slot).call() as call:
            try:
                return work()
            except WireFailure as failure:
                call.tell(allowance(failure.status, failure.headers))
                raise

    def _sorted(self, where: str, failure: WireFailure, writes: bool) -> GroundcrewError:
        """The error that a failure means; a permission that the sign-in lacks is kept, so that it can be asked for."""
        if self.slot != OAUTH or failure.status != 403 or is_page(failure.text):
            return sorted_failure(where, failure, writes=writes)
        header = failure.headers.get("www-authenticate", "")
        helps = self.access.lacks(self.slot, header)
        detail = f"{where}: 403 {words_of(failure.text)}"
        return scope_refused(detail, missing_scope(failure.headers, "", ""), helps=helps)

    def _renew(self, what: str) -> None:
        token = self.access.token(self.slot, refused=self._token)
        if token == self._token:
            raise ReconnectNeeded(f"MCP {what}: 401 and no newer token")
        self._token = token
        if self._wire is not None:
            self._wire.use(token)

    def _after(self, failure: WireFailure) -> None:
        """A transport that broke down is not used again."""
        if failure.code is None and failure.status == 0:
            self.close()

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None


def _asks_for_other_era(failure: WireFailure) -> bool:
    if failure.code == UNSUPPORTED_VERSION:
        return True
    return 400 <= failure.status < 500 and failure.status not in (401, 403, 408, 429)


def _session_lost(failure: WireFailure) -> bool:
    """404 means an expired session (MCP specification); some servers say 400 and name the session."""
    if failure.status == 404:
        return failure.code != METHOD_NOT_FOUND
    return failure.status == 400 and "session" in failure.text.lower()


def sorted_failure(where: str, failure: WireFailure, *, writes: bool) -> GroundcrewError:
    """The error of our family that a failure on the wire means."""
    if failure.status:
        return _of_status(where, failure, writes)
    detail = f"{where}: {failure.code if failure.code is not None else 'no answer'} {short(failure.message)}"
    if failure.code in DEFINITE:
        kind = Misunderstood if failure.code in STALE else FixSettings
        return kind(detail, person=f"Planner does not accept this call: {short(failure.message)}")
    if writes and failure.sent:
        return OutcomeUnknown(detail)
    if failure.strict:
        return StrictRefusal(detail)
    return RetryLater(detail)


def _of_status(where: str, failure: WireFailure, writes: bool) -> GroundcrewError:
    if failure.code == METHOD_NOT_FOUND and failure.status == 404:
        return Misunderstood(f"{where}: unknown method", person="Planner no longer knows this call.")
    if failure.status == 400 and failure.code in STALE:
        person = f"Planner does not accept this call: {short(failure.message)}"
        return Misunderstood(f"{where}: {failure.code} {short(failure.message)}", person=person)
    found = error_for(where, failure.status, failure.headers, failure.text, writes=writes)
    if not isinstance(found, Gone):
        return found or RetryLater(f"{where}: {failure}")
    # The address answers "not found": that says nothing about any block, and nobody may take it for one that is gone.
    if where.endswith("initialize"):
        return FixSettings(str(found), person="Planner's MCP address was not found.", code="not_offered")
    return RetryLater(str(found))
