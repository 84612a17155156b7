"""The official MCP SDK as a synchronous wire: one event loop on one daemon thread for each session.

The SDK hides HTTP statuses behind a general MCPError, so a transport of ours notes the failing answer of every request.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping
from concurrent.futures import CancelledError, Future
from functools import lru_cache
from typing import Any, TypeVar

import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, EmbeddedResource, Implementation, TextContent, TextResourceContents
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from planeapp.lib.errors import GroundcrewError
from planeapp.lib.http import CONNECT_SECONDS, MAX_ANSWER, USER_AGENT
from planeapp.lib.outbound import AsyncGuardedTransport, Guard
from planeapp.providers.planner.wire import CallResult, Hello, ToolPage, WireFailure, rpc_error, seconds_of, tool_of

T = TypeVar("T")
GRACE_SECONDS = 2.0
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


@lru_cache(maxsize=1)
def _ssl_context() -> object:
    """One TLS context for the process: building it costs more than a whole session."""
    return httpx2.create_ssl_context()


class _Capped(httpx2.AsyncByteStream):
    """A body that ends in ReadError when it grows past the cap."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._stream:
            seen += len(part)
            if seen > MAX_ANSWER:
                raise httpx2.ReadError("answer too large")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _NotingTransport(AsyncGuardedTransport):
    """Adds the bearer token and notes what went wrong with JSON-RPC requests (not with the optional GET or DELETE)."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard, _ssl_context())
        self.bearer = ""
        self.failure: WireFailure | None = None
        self.refusal: GroundcrewError | None = None
        self.session = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; an answer of 300 or more is read and noted."""
        request.headers["Authorization"] = f"Bearer {self.bearer}"
        asked = _is_request(request)
        try:
            response = await super().handle_async_request(request)
        except GroundcrewError as error:
            self.refusal = error
            raise
        except httpx2.HTTPError as error:
            if asked:
                self.failure = WireFailure(type(error).__name__, sent=not isinstance(error, NOT_SENT))
            raise
        self.session = self.session or "mcp-session-id" in response.headers
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Capped(response.stream)
        if asked and response.status_code >= 300:
            self.failure = await _noted(response)
        return response


def _is_request(request: httpx2.Request) -> bool:
    return request.method == "POST" and "id" in json.loads(request.content or b"{}")


async def _noted(response: httpx2.Response) -> WireFailure:
    text = (await response.aread()).decode("utf-8", "replace")
    headers = {name.lower(): value for name, value in response.headers.items()}
    error = rpc_error(text)
    message = str(error.get("message") or f"HTTP {response.status_code}")
    return WireFailure(message, response.status_code, headers, text, error.get("code"), error.get("data"))


class SdkWire:
    """A :class:`~planeapp.providers.planner.wire.Wire` over the SDK's client. Used from one thread at a time."""

    def __init__(self, guard: Guard, url: str, *, era: str = "legacy", seconds: float = 30.0) -> None:
        self._url = url
        self._mode = "auto" if era == "modern" else era
        self._seconds = seconds
        self._transport = _NotingTransport(guard)
        self._loop = asyncio.new_event_loop()
        self._ready: Future[Hello] = Future()
        self._stop = asyncio.Event()
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="planner-mcp", daemon=True)

    def open(self, bearer: str) -> Hello:
        """Start the thread and shake hands. Raises WireFailure."""
        self._transport.bearer = bearer
        self._thread.start()
        return self._result(self._ready)

    def use(self, bearer: str) -> None:
        """Send this token from now on."""
        self._transport.bearer = bearer

    def page(self, cursor: str) -> ToolPage:
        """One page of tools."""
        found = self._ask(self._connected().list_tools(cursor=cursor or None))
        tools = tuple(tool_of(tool.model_dump(mode="json", by_alias=True)) for tool in found.tools)
        ttl = seconds_of(found.ttl_ms) if "ttl_ms" in found.model_fields_set else None  # 0 when nothing is said
        return ToolPage(tools, found.next_cursor or "", ttl)

    def call(self, name: str, arguments: dict[str, Any], schema: Mapping[str, Any]) -> CallResult:
        """Call a tool (the SDK knows the schema from its own listing)."""
        return _call_result(self._ask(self._connected().call_tool(name, arguments)))

    def close(self) -> None:
        """End the session with DELETE and the thread with it; a server that hangs is left behind after a moment."""
        with self._lock:
            if not self._over and self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread.is_alive():
            self._thread.join(GRACE_SECONDS)

    def _connected(self) -> Client:
        if self._client is None:
            raise WireFailure("the session has ended", sent=False)
        return self._client

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        self._transport.failure = self._transport.refusal = None
        with self._lock:
            if self._over:
                work.close()
                raise WireFailure("the session has ended", sent=False)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return self._result(future)

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result(self._seconds + GRACE_SECONDS)
        except TimeoutError as error:
            future.cancel()
            raise WireFailure(f"no answer within {self._seconds:g} s") from error
        except CancelledError as error:
            raise self._why(error) from error
        except Exception as error:  # sorted below: the SDK raises many kinds, some inside exception groups
            raise self._why(error) from error

    def _why(self, error: BaseException) -> Exception:
        """The noted HTTP failure when there is one, else what the exception itself tells."""
        if self._transport.refusal is not None:
            return self._transport.refusal
        if self._transport.failure is not None:
            return self._transport.failure
        return _failure_of(_innermost(error))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            self._client = None
            self._finish()

    def _finish(self) -> None:
        with self._lock:
            self._over = True  # nothing is handed to the loop from here on
        self._loop.run_until_complete(asyncio.sleep(0))  # what was handed over just before becomes a task
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _main(self) -> None:
        timeout = httpx2.Timeout(self._seconds, connect=CONNECT_SECONDS)
        headers = {"User-Agent": USER_AGENT}
        async with httpx2.AsyncClient(transport=self._transport, timeout=timeout, headers=headers) as http:
            streams = streamable_http_client(self._url, http_client=http, max_sse_event_size=MAX_ANSWER)
            info = Implementation(name="groundcrew", version="1.0")
            async with Client(
                streams, mode=self._mode, read_timeout_seconds=self._seconds, client_info=info, cache=None
            ) as client:
                self._client = client
                self._ready.set_result(self._hello(client))
                await self._stop.wait()

    def _hello(self, client: Client) -> Hello:
        server = client.server_info
        era = "modern" if client.protocol_version in MODERN_PROTOCOL_VERSIONS else "legacy"
        name = f"{server.name} {server.version}".strip() if server else ""
        return Hello(era, client.protocol_version, name, self._transport.session)


def _innermost(error: BaseException) -> BaseException:
    """The first real exception inside nested exception groups."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def _failure_of(error: BaseException) -> WireFailure:
    if isinstance(error, MCPError):
        return WireFailure(error.error.message, code=error.error.code, data=error.error.data)
    sent = not isinstance(error, NOT_SENT)
    strict = isinstance(error, ValidationError | RuntimeError)
    return WireFailure(f"{type(error).__name__}: {str(error)[:300]}", sent=sent, strict=strict)


def _call_result(result: CallToolResult) -> CallResult:
    texts: list[str] = []
    for part in result.content:
        if isinstance(part, TextContent):
            texts.append(part.text)
        elif isinstance(part, EmbeddedResource) and isinstance(part.resource, TextResourceContents):
            texts.append(part.resource.text)
    return CallResult(result.structured_content, tuple(texts), bool(result.is_error))
