"""Several web and worker processes on one PostgreSQL and one Redis; some die under load, some are asked to end."""

from __future__ import annotations

import itertools
import os
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit

import pytest

from tests.faults.tables import count, let_leases_end, rows, unfinished
from tests.faults.web import Web
from tests.faults.wire import Line, post
from tests.harness import free_ports, listens, until
from tests.inbox.sending import issue

pytestmark = [pytest.mark.postgres, pytest.mark.redis]
WORKSPACE, PROJECT = uuid.uuid4(), uuid.uuid4()
PAIR = f"""
from tests.factories import ProjectPairFactory
ProjectPairFactory(connection__installation__workspace_id="{WORKSPACE}", project_id="{PROJECT}")
"""
GRACE = 30.0  # seconds in which a process that is asked to end is gone
WORKERS = ("worker_inbox", "worker_inbox_2", "worker_inbox_3")


class Town(Web):
    """Two web processes behind an address each, and three workers."""

    second: int = 0

    def both(self) -> None:
        """Start what is not running: the second web process, the workers, beat."""
        self.second = free_ports(1)[0]
        command = [str(self.second) if part == str(self.port) else part for part in self._command("web")]
        self.start_web(command)
        for name in (*WORKERS, "beat"):
            self.start_worker(name)

    def start_web(self, command: list[str]) -> None:
        """The second web process, at its own port."""
        first = self.running.pop("web")
        self.running["web_2"] = self.run("web", command)
        self.running["web"] = first
        until(lambda: listens(f"http://localhost:{self.second}"), 60, "the second web process")

    def start_worker(self, name: str) -> None:
        """A worker of its own name."""
        kind = "beat" if name == "beat" else "worker_inbox"
        self.run(
            name, [part.replace("inbox", name, 1) if part.endswith("@%h") else part for part in self._command(kind)]
        )

    def send(self, raw: bytes, ports: Iterator[int]) -> None:
        """As a sender behind a balancer does: until one of the two has taken it."""
        while self._status(raw, next(ports)) != 200:
            time.sleep(0.02)

    def _status(self, raw: bytes, port: int) -> int:
        try:
            with Line(port) as line:
                return line.send(post(raw, self.webhook_secret)).hear().status
        except OSError:
            return 0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    running = Town(tmp_path_factory.mktemp("scale"), "outages")
    yield running
    running.stop()


@pytest.fixture
def town(place: Town) -> Iterator[Town]:
    """Everything runs, with one workspace and a pair."""
    try:
        place.begin().manage("shell", "-v0", "-c", PAIR)
        place.both()
        yield place
    finally:
        place.rest()


class Load:
    """Four who send without a pause, in turns to both web processes."""

    def __init__(self, town: Town) -> None:
        self.town, self.enough, self.sent = town, Event(), list[bytes]()
        self.ports = itertools.cycle([town.port, town.second])
        self.pool = ThreadPoolExecutor(4)
        self.running = [self.pool.submit(self._send) for _ in range(4)]

    def _send(self) -> None:
        while not self.enough.is_set():
            raw = issue(WORKSPACE, project=PROJECT, item=uuid.uuid4(), actor=uuid.uuid4())
            self.town.send(raw, self.ports)
            self.sent.append(raw)

    def more(self, number: int = 60) -> None:
        """Until so many more were taken."""
        wanted = len(self.sent) + number
        until(lambda: len(self.sent) >= wanted, 30, "more deliveries")

    def end(self) -> list[bytes]:
        """No more; gives all that were taken."""
        self.enough.set()
        for sender in self.running:
            sender.result(30)
        self.pool.shutdown()
        return self.sent


def each_had_one_effect(town: Town, raws: list[bytes]) -> None:
    until(
        lambda: not count(town, "inbox_delivery", "state IN ('waiting', 'failed')"), 40, f"the end: {unfinished(town)}"
    )
    assert set(raws) <= set(town.stored())
    assert rows(town, "SELECT DISTINCT asked FROM sync_due WHERE item_id <> ''") == [(1,)]
    assert count(town, "sync_due", "item_id <> ''") == len(set(town.stored()))


def test_one_of_each_is_killed_under_load_and_nothing_is_lost_or_doubled(town: Town) -> None:
    load = Load(town)
    load.more()
    town.kill("web_2")
    load.more()
    town.kill(WORKERS[0])
    let_leases_end(town, ("inbox_delivery",))  # as they would in two minutes
    load.more()
    each_had_one_effect(town, load.end())


def test_who_is_asked_to_end_finishes_or_hands_back_within_its_time(town: Town) -> None:
    load = Load(town)
    load.more()
    for name in ("web_2", WORKERS[0], "beat"):
        process = town.running.pop(name)
        began = time.monotonic()
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(GRACE) is not None, f"{name} is still there"
        assert time.monotonic() - began < GRACE
        load.more(20)
    each_had_one_effect(town, load.end())
    assert urlsplit(town.app).port == town.port
