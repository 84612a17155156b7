"""Where outgoing requests may go: https to public addresses, plus what the operator allows by name.

Addresses come from vendors' documents and from settings that people type, so each connection is made to an address
that was checked (no second lookup between check and connect), and redirects are never followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpx2

from planeapp.lib.errors import FixSettings, RetryLater

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Guard:
    """Decides about one request. ``allowed`` holds ``host`` or ``host:port`` entries that skip the checks."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allowed = frozenset(entry.strip().lower() for entry in allowed if entry.strip())

    def exempt(self, url: httpx2.URL) -> bool:
        """Whether the operator allowed this host (and port) by name."""
        port = url.port or (443 if url.scheme == "https" else 80)
        return url.host.lower() in self.allowed or f"{url.host.lower()}:{port}" in self.allowed

    def check_scheme(self, url: httpx2.URL) -> None:
        """Raise FixSettings for anything but https."""
        if url.scheme != "https":
            raise FixSettings(
                f"refused address {url.scheme}://{url.host}: not https",
                person=f"{url.host} must be reached by https. An operator can allow it with OUTBOUND_ALLOW.",
            )

    def pick(self, host: str, found: Iterable[str]) -> str:
        """The first of the resolved addresses, when all of them are public; FixSettings otherwise."""
        addresses = list(found)
        for address in addresses:
            if not _public(address):
                raise FixSettings(
                    f"refused address {host}: resolves to {address}",
                    person=f"{host} is a private address. An operator can allow it with OUTBOUND_ALLOW.",
                )
        if not addresses:
            raise RetryLater(f"{host} has no address")
        return addresses[0]


def _public(address: str) -> bool:
    """Whether an address is one of the open internet; an IPv4 address inside an IPv6 one (NAT64, 6to4) counts too."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.sixtofour
        if ip.is_site_local or (inner is not None and not _public(str(inner))):
            return False
    return ip.is_global and not ip.is_multicast


def _numbers(found: Iterable[tuple[object, ...]]) -> list[str]:
    return [str(entry[4][0]) for entry in found]  # type: ignore[index]


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The same request aimed at a checked address; TLS still names and verifies the host."""
    host = request.url.host
    literal = f"[{address}]" if ":" in address else address
    request.extensions = {**request.extensions, "sni_hostname": host}
    request.url = request.url.copy_with(host=literal)
    return request


class GuardedTransport(httpx2.BaseTransport):
    """Sync transport that checks, pins and sends. One pool per host name, so that no TLS session serves two names."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._ssl = httpx2.create_ssl_context()
        self._pools: dict[str, httpx2.HTTPTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, or raise FixSettings / RetryLater before anything leaves."""
        host = request.url.host
        pool = self._pools.setdefault(host, httpx2.HTTPTransport(verify=self._ssl))
        if self.guard.exempt(request.url):
            return pool.handle_request(request)
        self.guard.check_scheme(request.url)
        try:
            found = socket.getaddrinfo(host, request.url.port or 443, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise RetryLater(f"cannot look up {host}: {error}") from error
        return pool.handle_request(_pinned(request, self.guard.pick(host, _numbers(found))))

    def close(self) -> None:
        """Close every pool."""
        for pool in self._pools.values():
            pool.close()


class AsyncGuardedTransport(httpx2.AsyncBaseTransport):
    """The same for asyncio, made anew for each session (the MCP client needs one)."""

    def __init__(self, guard: Guard, ssl_context: object | None = None) -> None:
        self.guard = guard
        self._ssl = ssl_context or httpx2.create_ssl_context()
        self._pools: dict[str, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request, or raise FixSettings / RetryLater before anything leaves."""
        host = request.url.host
        pool = self._pools.setdefault(host, httpx2.AsyncHTTPTransport(verify=self._ssl))  # type: ignore[arg-type]
        if self.guard.exempt(request.url):
            return await pool.handle_async_request(request)
        self.guard.check_scheme(request.url)
        try:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, request.url.port or 443, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise RetryLater(f"cannot look up {host}: {error}") from error
        return await pool.handle_async_request(_pinned(request, self.guard.pick(host, _numbers(found))))

    async def aclose(self) -> None:
        """Close every pool."""
        for pool in self._pools.values():
            await pool.aclose()
