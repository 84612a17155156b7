"""The whole product as real processes on free ports: sandbox vendors, web, worker. For end-to-end and browser tests.

Embedded on SQLite by default; with ``DATABASE_URL`` and ``REDIS_URL`` in the environment on those (a database of its own),
with Celery's workers and beat as in the Procfile.
"""

from __future__ import annotations

import atexit
import base64
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg
import redis

from tests.environment import redis_of
from tests.forks import Fork, Nest

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")
START_SECONDS = 60.0
PREPARED: dict[str, str] = {}
"""Server (``""`` for files) → a database that has all tables and no rows yet."""


PORTS = range(20_000, 32_000)  # below those that the system gives to outgoing connections


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free ports")


def until(look: Callable[[], T], seconds: float = 10.0, what: str = "it") -> T:
    """The first true thing that ``look`` gives, or a failure after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s for {what} in vain")


class Stack:
    """A running product. ``app``, ``plane``, ``planner``, ``planhat`` are its addresses."""

    def __init__(self, home: Path, room: str) -> None:
        self.home, self.room = home, room
        ports = free_ports(4)
        self.app, self.plane, self.planner, self.planhat = (f"http://localhost:{port}" for port in ports)
        self.webhook_secret = f"plane_wh_{secrets.token_hex(8)}"
        self.running: dict[str, subprocess.Popen[bytes] | Fork] = {}
        self.nests: dict[frozenset[tuple[str, str]], Nest] = {}
        self.numbers = count()
        self.clients: list[httpx2.Client] = []
        self.embedded = not os.environ.get("REDIS_URL")
        self.env = self._environment(ports)

    def _environment(self, ports: list[int]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLANE_", "PLAN", "APP_"))}
        return kept | {
            "SECRET_KEY": "end-to-end",
            "ENCRYPTION_KEYS": base64.b64encode(b"e" * 32).decode(),
            "APP_BASE_URL": self.app,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DATABASE_URL": self._database(),
            "PLANE_BASE_URL": self.plane,
            "PLANE_APP_URL": self.plane,
            "PLANE_CLIENT_ID": "sandbox-client",
            "PLANE_CLIENT_SECRET": "sandbox-client-secret",
            "PLANE_WEBHOOK_SECRET": self.webhook_secret,
            "PLANNER_BASE_URL": self.planner,
            "PLANHAT_BASE_URL": self.planhat,
            "OUTBOUND_ALLOW": ",".join(f"{host}:{port}" for port in ports for host in ("localhost", "127.0.0.1")),
            "STATIC_HASHED": "0",
            **({"REDIS_URL": redis_of(self.room)} if not self.embedded else {}),
            "LOG_FORMAT": "json",
            "DJANGO_SETTINGS_MODULE": "planeapp.settings",
            "PYTHONWARNINGS": "default",
        }

    def _database(self) -> str:
        url = os.environ.get("DATABASE_URL", "")
        if not url.startswith(("postgres", "psql")):
            return f"sqlite:///{self.home / 'app.sqlite3'}"
        self.database = f"e2e_{secrets.token_hex(4)}"
        return urlunsplit(urlsplit(url)._replace(path=f"/{self.database}"))

    @staticmethod
    def _psql(url: str, statement: str) -> None:
        admin = urlunsplit(urlsplit(url)._replace(path="/postgres"))
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def prepare(self) -> None:
        """Make the tables; the first stack makes them as an operator does, further ones of this process copy its own."""
        url = self.env["DATABASE_URL"]
        server = urlsplit(url).netloc
        if server in PREPARED:
            self._copy(PREPARED[server], self._place())
            return
        if server:
            self._psql(url, f'CREATE DATABASE "{self.database}"')
        self.manage("migrate", "--noinput")
        self.manage("createcachetable")
        PREPARED[server] = f"{self._place()}_empty"
        self._copy(self._place(), PREPARED[server])
        if server:
            atexit.register(self._drop, url, PREPARED[server])

    def _place(self) -> str:
        """Name of the database, or the path of the file."""
        return urlsplit(self.env["DATABASE_URL"]).path.removeprefix("/")

    def _copy(self, source: str, target: str) -> None:
        if urlsplit(self.env["DATABASE_URL"]).netloc:
            self._psql(self.env["DATABASE_URL"], f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
        else:
            for rest in ("-wal", "-shm"):  # what a killed process had not yet brought into the file
                Path(target + rest).unlink(missing_ok=True)
            shutil.copyfile(source, target)

    def _drop(self, url: str, name: str) -> None:
        with suppress(psycopg.OperationalError):  # a server of a test's own is gone by now
            self._psql(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    # Processes

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command and wait for it; raises CalledProcessError when it fails."""
        command = [sys.executable, "manage.py", *arguments]
        number = next(self.numbers)
        out, err = self.home / f"out.{number}", self.home / f"err.{number}"
        code = self.nest().fork(command, out, err, {}).wait(120)
        ran = subprocess.CompletedProcess(command, code, out.read_text(), err.read_text())
        ran.check_returncode()
        return ran

    def nest(self) -> Nest:
        """Where its processes come from, as its environment is now."""
        told = frozenset(self.env.items())
        if told not in self.nests:
            self.nests[told] = Nest(self.env, self.home)
        return self.nests[told]

    def start(self) -> Stack:
        """Bring everything up."""
        self.prepare()
        for name in ("sandbox", "web", *self.workers()):
            self.spawn(name)
        for address in (f"{self.app}/healthz", *(f"{at}/_sandbox/requests" for at in self.vendors())):
            until(lambda at=address: answers(at), START_SECONDS, address)  # type: ignore[misc]
        return self

    def vendors(self) -> tuple[str, str, str]:
        """The vendors' addresses."""
        return self.plane, self.planner, self.planhat

    def workers(self) -> tuple[str, ...]:
        """Names of the worker processes."""
        return ("worker",) if self.embedded else ("worker_inbox", "worker_bot", "worker_live", "worker_bulk", "beat")

    def spawn(self, name: str) -> None:
        """Start one process; its output goes to a file that ``log`` reads."""
        self.run(name, self._command(name))

    def run(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes] | Fork:
        """Start a command as the process of this name. The server is started by Python, which it starts itself again."""
        log = self.home / f"{name}.log"
        if name == "web":
            with log.open("ab") as out:
                self.running[name] = subprocess.Popen(
                    command, cwd=ROOT, env=self.env | environment, stdout=out, stderr=out, start_new_session=True
                )
        else:
            self.running[name] = self.nest().fork(command, log, log, environment)
        return self.running[name]

    def _command(self, name: str) -> list[str]:
        python, port = sys.executable, str(urlsplit(self.app).port)
        celery = [python, "-m", "celery", "-A", "planeapp.celery"]
        vendors = [f"--{key}-url={getattr(self, key)}" for key in ("app", "plane", "planner", "planhat")]
        return {
            "sandbox": [python, "-m", "planeapp.sandbox", f"--webhook-secret={self.webhook_secret}", *vendors,
                        f"--state={self.home / 'vendors'}"],
            "web": [python, "-m", "granian", "--interface", "asginl", "planeapp.asgi:application", "--host", "127.0.0.1",
                    "--port", port, "--workers", "1", "--log-level", "warning"],
            "worker": [python, "manage.py", "embedded_worker"],
            "worker_inbox": [*celery, "worker", "-Q", "inbox", "--concurrency", "1", "-n", f"inbox{port}@%h"],
            "worker_bot": [*celery, "worker", "-Q", "bot", "-P", "threads", "--concurrency", "2", "-n", f"bot{port}@%h"],
            "worker_live": [*celery, "worker", "-Q", "live", "-P", "threads", "--concurrency", "2", "-n", f"live{port}@%h"],
            "worker_bulk": [*celery, "worker", "-Q", "bulk", "--concurrency", "1", "-n", f"bulk{port}@%h"],
            "beat": [*celery, "beat", "--schedule", str(self.home / "beat")],
        }[name]  # fmt: skip

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a process (and its children) and wait until it is gone."""
        process = self.running.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, how)
        process.wait(20)

    def rest(self) -> None:
        """End all processes; what they left stays."""
        for name in list(self.running):
            self.kill(name, signal.SIGKILL)

    def renew(self) -> None:
        """As on the first day: no processes, no logs, no rows, nothing in Redis."""
        self.rest()
        for log in self.home.glob("*.log"):
            log.write_bytes(b"")
        if "REDIS_URL" in self.env:
            with redis.Redis.from_url(self.env["REDIS_URL"]) as client:
                client.flushdb()
        if hasattr(self, "database"):
            self._drop(self.env["DATABASE_URL"], self.database)
        self.prepare()

    def stop(self) -> None:
        """End everything and drop the database that was made."""
        for client in self.clients:
            client.close()
        self.rest()
        for nest in self.nests.values():
            nest.close()
        if hasattr(self, "database"):
            self._drop(self.env["DATABASE_URL"], self.database)

    def log(self, name: str) -> str:
        """What a process has printed."""
        path = self.home / f"{name}.log"
        return path.read_text() if path.exists() else ""

    # Vendors

    def client(self, **options: Any) -> httpx2.Client:
        """A browser's stand-in: keeps cookies, follows redirects."""
        made = httpx2.Client(follow_redirects=True, timeout=20, trust_env=False, **options)
        self.clients.append(made)
        return made

    def control(self, vendor: str, command: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        """A sandbox control call (``faults``, ``requests``, ``clock``)."""
        address = f"{getattr(self, vendor)}/_sandbox/{command}"
        answer: dict[str, Any] = httpx2.request(method, address, json=body or None, trust_env=False).json()
        return answer


def listens(address: str) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(address).port or 80)) == 0


def answers(address: str) -> bool:
    """Whether a GET is answered 200: a process may listen a moment before it does."""
    try:
        return httpx2.get(address, timeout=5, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False
