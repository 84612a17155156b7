"""Processes of a Stack that are started through the entries with faults."""

from __future__ import annotations

import subprocess
import sys

from tests.forks import Fork
from tests.harness import Stack

ENTRIES = {"planeapp.asgi:application": "tests.faults.asgi:application", "planeapp.celery": "tests.faults.celery_app"}
SECONDS = 60.0


def spawn(stack: Stack, name: str, **environment: str) -> subprocess.Popen[bytes] | Fork:
    """Start a process of the stack with more in its environment; its output goes where it always goes."""
    command = [ENTRIES.get(part, part) for part in stack._command(name)]
    if name == "worker":
        command = [sys.executable, "-m", "tests.faults.embedded_worker"]
    return stack.run(name, command, **environment)


def spawn_doomed(stack: Stack, name: str, point: str) -> subprocess.Popen[bytes] | Fork:
    """Start a process that dies at a fault point (``name`` or ``name:passes``)."""
    return spawn(stack, name, FAULT_POINT=point)


def await_death(stack: Stack, name: str) -> None:
    """Wait until a doomed process has met its end; fails when it never came to its point."""
    stack.running[name].wait(SECONDS)  # one that never dies stays known, so that the stack's end takes it along
    del stack.running[name]
