from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from planeapp.operators.demo import processes
from planeapp.operators.demo.processes import Process, Supervisor, check_ports, commands

ROOT = Path(__file__).parents[2]
AT = {"app": "http://localhost:9100", "plane": "http://localhost:9101", "planner": "http://localhost:9102",
      "planhat": "http://localhost:9103"}  # fmt: skip
# Two real children: one that listens, one that also has a child of its own. Each start leaves its pid in a file.
CHILD = """
import os, socket, subprocess, sys, time
name, port = sys.argv[1:]
with open(name, "a") as out:
    out.write(f"{os.getpid()}\\n")
if port == "0":
    inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with open("inner", "a") as out:
        out.write(f"{inner.pid}\\n")
    time.sleep(60)
listening = socket.create_server(("127.0.0.1", int(port)))
while True:
    listening.accept()[0].close()
"""
PARENT = """
import sys
from planeapp.operators.demo import processes
from planeapp.operators.demo.processes import Process, Supervisor
processes.TICK_SECONDS = 0.02
port = sys.argv[1]
children = [Process(name, [sys.executable, "child.py", name, at]) for name, at in (("web", port), ("worker", "0"))]
Supervisor(children).run(dict.fromkeys(("app", "plane", "planner", "planhat"), f"http://localhost:{port}"))
"""


def until(look: Callable[[], Any]) -> Any:
    """What ``look`` finds, as soon as it finds something."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("It did not happen in time.")


def alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be buried does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Demo:
    """A supervisor with two children, in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "child.py").write_text(CHILD)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [sys.executable, "-c", PARENT, str(self.port)]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, cwd=home, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def pids(self, name: str) -> list[int]:
        """Pids of a child, oldest start first."""
        path = self.home / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def end(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Tell it to end; gives exit code and what it printed."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    until(lambda: made.pids("web") and made.pids("inner"))
    yield made
    for pid in [made.process.pid, *made.pids("web"), *made.pids("worker"), *made.pids("inner")]:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    made.process.communicate(timeout=20)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_supervisor_is_the_end_of_all(demo: Demo, how: signal.Signals) -> None:
    pids = [*demo.pids("web"), *demo.pids("worker"), *demo.pids("inner")]
    assert all(alive(pid) for pid in pids)
    code, _, err = demo.end(how)
    assert (code, err) == (0, "")
    until(lambda: not any(alive(pid) for pid in pids))


def test_a_child_that_dies_is_started_again(demo: Demo) -> None:
    line = demo.process.stdout.readline() + demo.process.stdout.readline()  # type: ignore[union-attr]
    assert "The demo is ready." in line
    os.kill(demo.pids("web")[0], signal.SIGKILL)
    second = until(lambda: demo.pids("web")[1:])[0]
    assert alive(second)
    code, _, err = demo.end()
    assert (code, err.strip()) == (0, "web ended (-9); starting it again.")
    until(lambda: not alive(second))


class Stumbling(Process):
    """Dies at its first start."""

    def start(self) -> None:
        self.starts = getattr(self, "starts", 0) + 1
        ended = 1 if self.starts == 1 else None
        self.running = SimpleNamespace(poll=lambda: ended, returncode=ended)  # type: ignore[assignment]


def test_a_child_that_dies_before_it_was_ready_is_started_again(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    child = Stumbling("web", [])
    supervisor = Supervisor([child])
    monkeypatch.setattr(processes, "TICK_SECONDS", 0.0)
    monkeypatch.setattr(processes, "_answers", lambda address: child.starts == 2)
    child.start()
    assert supervisor._wait_for({"app": "http://localhost:1"}) is True
    assert capsys.readouterr().err == "web ended (1); starting it again.\n"


def test_a_demo_that_is_ended_while_it_starts_ends_at_once(tmp_path: Path) -> None:
    early = Demo(tmp_path)
    until(lambda: early.pids("web"))
    assert early.end()[0] == 0
    until(lambda: not any(alive(pid) for pid in early.pids("web") + early.pids("worker")))


# Commands and ports


def test_the_demo_runs_sandbox_worker_and_web_on_their_ports() -> None:
    found = {process.name: process.command for process in commands(AT, "/state", "hook", "client")}
    assert list(found) == ["sandbox", "worker", "web"]
    assert {f"--{name}-url={address}" for name, address in AT.items()} <= set(found["sandbox"])
    assert {"--state=/state", "--webhook-secret=hook", "--client-secret=client"} <= set(found["sandbox"])
    assert found["worker"][1:] == ["manage.py", "embedded_worker"]
    assert found["web"][found["web"].index("--port") + 1] == "9100"


def test_every_process_runs_with_our_own_interpreter() -> None:
    assert {process.command[0] for process in commands(AT, "", "", "")} == {sys.executable}


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://localhost:{taken.getsockname()[1]}"
        with pytest.raises(SystemExit) as end:
            check_ports({"plane": address})
    assert str(end.value.code).startswith(f"{address} (for plane) is taken.")
    assert "DEMO_PORT" in str(end.value.code)


def test_ports_that_are_free_are_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert check_ports({"app": f"http://localhost:{port}"}) is None  # type: ignore[func-returns-value]
