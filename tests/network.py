"""Keeps the suite on this machine: whoever connects elsewhere fails the test that was running."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex
_real_lookup = socket.getaddrinfo
LOCAL_NAMES = frozenset({"", "localhost", "ip6-localhost", "testserver"})
offences: list[str] = []


class NetworkForbidden(RuntimeError):
    """A test tried to leave this machine."""


def is_local(family: int, address: Any) -> bool:
    """Whether an address to connect to is on this machine: unix sockets and the loopback."""
    if family == socket.AF_UNIX:
        return True
    host = str(address[0]).split("%")[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOCAL_NAMES


def _check(sock: socket.socket, address: Any) -> None:
    if not is_local(sock.family, address):
        offences.append(str(address))
        raise NetworkForbidden(f"tests stay on this machine, but something connected to {address}")


def _connect(self: socket.socket, address: Any) -> None:
    _check(self, address)
    return _real_connect(self, address)


def _connect_ex(self: socket.socket, address: Any) -> int:
    _check(self, address)
    return _real_connect_ex(self, address)


def _lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
    """Names of other machines are not looked up: here they have no address, as on a machine without network."""
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if not is_local(socket.AF_INET, (name,)):
        try:
            ipaddress.ip_address(name.split("%")[0])
        except ValueError:
            raise socket.gaierror(socket.EAI_NONAME, f"no look-ups in tests: {name}") from None
    return _real_lookup(host, *args, **kwargs)


def guard() -> None:
    """From now on, for every thread of this process."""
    socket.socket.connect = _connect  # type: ignore[method-assign,assignment]
    socket.socket.connect_ex = _connect_ex  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = _lookup
