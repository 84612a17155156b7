"""Processes of the product that start in no time: forks of one that has loaded everything and opened nothing.

Loading the product takes each process two to four seconds of the processor, and the fault tests start dozens of them. A fork
runs the very command it is given, in a session of its own, with its own environment and output.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STEP = 0.005


class Fork:
    """A running fork; knows as much of :class:`subprocess.Popen` as we need."""

    def __init__(self, pid: int, ended: Path) -> None:
        self.pid, self.ended = pid, ended

    def poll(self) -> int | None:
        """The exit code, or None while it runs; -9 when it came to no end of its own."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return int(self.ended.read_text()) if self.ended.exists() else -signal.SIGKILL
        return None

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended; raises TimeoutExpired."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(STEP)
        return code


class Nest:
    """Where forks come from: one process that has loaded the product with this environment."""

    def __init__(self, env: Mapping[str, str], home: Path) -> None:
        self.home, self.lock, self.count = home, Lock(), 0
        with (home / "nest.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.forks"], cwd=ROOT, env=dict(env), text=True, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip

    def fork(self, command: Sequence[str], out: Path, err: Path, env: Mapping[str, str]) -> Fork:
        """Run ``command``, whose first word is Python's, with ``env`` on top; its output is added to these files."""
        assert self.process.stdin and self.process.stdout
        with self.lock:
            self.count += 1
            ended = self.home / f"ended.{self.count}"
            asked = {"command": command[1:], "out": str(out), "err": str(err), "env": dict(env), "ended": str(ended)}
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            told = self.process.stdout.readline()
        assert told, (self.home / "nest.log").read_text()
        return Fork(int(told), ended)

    def close(self) -> None:
        """No more forks; those that run go on."""
        assert self.process.stdin and self.process.stdout
        self.process.kill()
        self.process.wait(20)
        self.process.stdin.close()
        self.process.stdout.close()


def load() -> None:
    """Everything that a process of the product loads sooner or later."""
    import django

    django.setup()
    from planeapp import celery

    celery.app.finalize()
    celery.app.loader.import_default_modules()
    celery.warm()
    for name in (
        "celery.apps.worker",
        "celery.concurrency.prefork",
        "celery.concurrency.thread",
        "tests.faults.points",
    ):
        import_module(name)


def serve() -> None:
    """Fork as often as a line on the standard input asks for it; tell the pid."""
    load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to bury them
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            become(json.loads(line))
        print(pid, flush=True)


def become(asked: dict[str, Any]) -> None:
    """The fork: run the command, leave the exit code in a file."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for source, target in ((os.devnull, 0), (asked["out"], 1), (asked["err"], 2)):
        flags = os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(source, flags), target)
    os.environ.update(asked["env"])
    code = 1
    with suppress(BaseException):
        code = _run(asked["command"])
    sys.stdout.flush()
    sys.stderr.flush()
    ended = Path(asked["ended"])
    new = ended.with_name(f"{ended.name}.new")
    new.write_text(str(code))
    new.rename(ended)
    os._exit(code)


def _run(command: list[str]) -> int:
    """As ``python command…`` does: a module after ``-m``, or else a file."""
    try:
        if command[0] == "-m":
            sys.argv = command[1:]
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = command
            runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    return 0


if __name__ == "__main__":
    serve()
