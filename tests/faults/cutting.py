"""A line to a service that can be cut and mended by hand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Cable:
    """Passes bytes between its own port and a service. Cut, it hangs up and takes no new calls; deaf, it takes calls and
    says nothing.
    """

    def __init__(self, host: str, port: int) -> None:
        self.service = (host, port)
        self.deaf = False
        self.ends: list[socket.socket] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.door: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        """Take calls; those that heard nothing are hung up on, so that they call again."""
        self.cut()
        self.deaf = False
        self.door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._take_calls, args=(self.door,), daemon=True).start()

    def cut(self) -> None:
        """Hang up on everybody and take no calls."""
        if self.door is not None:
            _close(self.door)
        self._hang_up()

    def stop_hearing(self) -> None:
        """Hang up on everybody; who calls again hears nothing, for ever."""
        self.deaf = True
        self._hang_up()

    def _hang_up(self) -> None:
        ends, self.ends = self.ends, []
        for end in ends:
            _close(end)

    def _take_calls(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = door.accept()
                self.ends.append(caller)
                if not self.deaf:
                    self._connect(caller)

    def _connect(self, caller: socket.socket) -> None:
        far = socket.create_connection(self.service)
        self.ends.append(far)
        for one, other in ((caller, far), (far, caller)):
            threading.Thread(target=_pump, args=(one.recv, other), daemon=True).start()


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _pump(receive: Callable[[int], bytes], to: socket.socket) -> None:
    with suppress(OSError):
        while part := receive(65536):
            to.sendall(part)
        to.shutdown(socket.SHUT_RDWR)
