"""Starts and watches the demo's processes: if one dies it is started again, and Ctrl-C ends all of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from urllib.parse import urlsplit

PATIENCE_SECONDS = 45.0
GRACE_SECONDS = 5.0
TICK_SECONDS = 0.2


@dataclass
class Process:
    """One child with its command line."""

    name: str
    command: list[str]
    running: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it in a group of its own, so that Ctrl-C reaches it through us alone."""
        self.running = subprocess.Popen(self.command, start_new_session=True)  # noqa: S603 - our own commands

    def stop(self, how: signal.Signals) -> None:
        """Send a signal to the child and all that it started."""
        if self.running is not None and self.running.poll() is None:
            os.killpg(self.running.pid, how)


def commands(at: Mapping[str, str], state: str, webhook_secret: str, client_secret: str) -> list[Process]:
    """Sandbox, worker and web, in the order in which they start."""
    python = sys.executable
    port = str(urlsplit(at["app"]).port)
    vendors = [f"--{name}-url={at[name]}" for name in ("app", "plane", "planner", "planhat")]
    secrets = [f"--webhook-secret={webhook_secret}", f"--client-secret={client_secret}"]
    return [
        Process("sandbox", [python, "-m", "planeapp.sandbox", f"--state={state}", *vendors, *secrets]),
        Process("worker", [python, "manage.py", "embedded_worker"]),
        Process("web", [python, "-m", "granian", "--interface", "asginl", "planeapp.asgi:application", "--host", "127.0.0.1",
                        "--port", port, "--workers", "1", "--log-level", "warning"]),
    ]  # fmt: skip


class Supervisor:
    """Runs children until told to stop."""

    def __init__(self, children: list[Process]) -> None:
        self.children = children
        self.stopping = False

    def run(self, ready: dict[str, str]) -> None:
        """Start everything, say where it is once all of it answers, and keep it going."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._stop)
        for child in self.children:
            child.start()
        if self._wait_for(ready):
            _tell(ready)
        while not self.stopping:
            self._revive()
            time.sleep(TICK_SECONDS)
        self._end()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _wait_for(self, ready: dict[str, str]) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.stopping and time.monotonic() < deadline:
            if all(_answers(address) for address in ready.values()):
                return True
            self._revive()  # a child may die before all of them are up
            time.sleep(TICK_SECONDS)
        if not self.stopping:
            print("The demo did not come up in time; see the messages above.", file=sys.stderr)
            self.stopping = True
        return False

    def _revive(self) -> None:
        for child in self.children:
            if child.running is not None and child.running.poll() is not None and not self.stopping:
                print(f"{child.name} ended ({child.running.returncode}); starting it again.", file=sys.stderr)
                child.start()

    def _end(self) -> None:
        for child in reversed(self.children):
            child.stop(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            if child.running is not None:
                try:
                    child.running.wait(max(deadline - time.monotonic(), 0.1))
                except subprocess.TimeoutExpired:
                    child.stop(signal.SIGKILL)


def check_ports(at: Mapping[str, str]) -> None:
    """End with one line when a port is taken."""
    for name, address in at.items():
        if _answers(address):
            raise SystemExit(
                f"{address} (for {name}) is taken. Stop what runs there, or set DEMO_PORT to another number."
            )


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((parts.hostname or "localhost", parts.port or 80)) == 0


def _tell(ready: Mapping[str, str]) -> None:
    print(
        "\nThe demo is ready. Ctrl-C ends it; what you do is kept in var/demo.\n\n"
        f"  Groundcrew        {ready['app']}/\n"
        f"  Sandbox Plane     {ready['plane']}/\n"
        f"  Sandbox Planner   {ready['planner']}/\n"
        f"  Sandbox Planhat   {ready['planhat']}/\n",
        flush=True,
    )
