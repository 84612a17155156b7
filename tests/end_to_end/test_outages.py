"""What the doors accepted is worked on once, whatever happens to the web process, to Redis or to the database."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit, urlunsplit

import pytest
import redis

from tests.faults.cutting import Cable
from tests.faults.postgres import Cluster, programs
from tests.faults.tables import count, let_leases_end, rows, unfinished
from tests.faults.web import Web
from tests.harness import until
from tests.inbox.sending import issue

WORKSPACE, PROJECT = uuid.uuid4(), uuid.uuid4()
PAIR = f"""
from tests.factories import ProjectPairFactory
ProjectPairFactory(connection__installation__workspace_id="{WORKSPACE}", project_id="{PROJECT}")
"""
WORK = "from planeapp.inbox.tasks import work_inbox; print(work_inbox())"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Where the product runs in these tests."""
    running = Web(tmp_path_factory.mktemp("outages"), "outages")
    yield running
    running.stop()


@pytest.fixture
def web(place: Web) -> Iterator[Web]:
    """A web process and one workspace with a pair; nobody works yet."""
    try:
        place.begin().manage("shell", "-v0", "-c", PAIR)
        yield place
    finally:
        place.rest()


def change() -> bytes:
    """Somebody changed an item of the pair."""
    return issue(WORKSPACE, project=PROJECT, item=uuid.uuid4(), actor=uuid.uuid4())


def push_many(web: Web, number: int) -> list[bytes]:
    """So many different deliveries, all accepted."""
    raws = [change() for _ in range(number)]
    assert [web.push(raw) for raw in raws] == [200] * number
    return raws


def all_had_one_effect(web: Web, raws: list[bytes]) -> None:
    """Every change was handled by one of its deliveries and made its item due once."""
    until(lambda: not count(web, "inbox_delivery", "state IN ('waiting', 'failed')"), 30, f"the end: {unfinished(web)}")
    assert set(raws) <= set(web.stored())
    assert count(web, "inbox_delivery", "state = 'handled'") == len(set(raws))
    assert rows(web, "SELECT DISTINCT asked FROM sync_due WHERE item_id <> ''") == [(1,)]
    assert count(web, "sync_due", "item_id <> ''") == len(set(raws))


# The web process


def test_a_web_process_killed_between_commit_and_answer_makes_one_effect_of_two_deliveries(web: Web) -> None:
    raw = change()
    web.kill("web")
    web.again(FAULT_POINT="web.stored_before_answer")
    assert web.push(raw) == 0
    web.kill("web")
    assert web.again().push(raw) == 200
    assert web.stored() == [raw, raw]
    web.manage("shell", "-v0", "-c", WORK)
    all_had_one_effect(web, [raw])


def test_what_a_killed_web_process_had_answered_is_there(web: Web) -> None:
    accepted: list[bytes] = []

    def push_until_it_dies() -> None:
        while web.push(raw := change()) == 200:
            accepted.append(raw)

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(_until_refused, push_until_it_dies) for _ in range(4)]
        until(lambda: len(accepted) > 40, 20, "some deliveries")
        web.kill("web")
        for sender in senders:
            sender.result(20)
    assert set(accepted) <= set(web.stored())


def _until_refused(push: Callable[[], None]) -> None:
    try:
        push()
    except ConnectionError:
        return


def test_fifty_copies_over_two_worker_processes_have_one_effect(web: Web) -> None:
    raw, other = change(), change()
    assert {web.push(raw) for _ in range(50)} == {web.push(other)} == {200}
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: web.manage("shell", "-v0", "-c", WORK).stdout, range(2)))
    assert sum(int(told.split()[-1]) for told in done) == 51
    all_had_one_effect(web, [raw, other])


# Redis


@pytest.mark.redis
def test_events_accepted_before_redis_was_flushed_are_worked(web: Web) -> None:
    raws = push_many(web, 20)
    _flush(web)
    for name in ("worker_inbox", "beat"):
        web.spawn(name)
    all_had_one_effect(web, raws)


@pytest.mark.redis
def test_a_worker_goes_on_after_a_flush_without_being_told(web: Web) -> None:
    web.spawn("worker_inbox")
    first = push_many(web, 1)
    all_had_one_effect(web, first)
    _flush(web)
    all_had_one_effect(web, first + push_many(web, 5))


def _flush(web: Web) -> None:
    with redis.Redis.from_url(web.env["REDIS_URL"]) as client:
        until(lambda: client.llen("inbox") or client.exists("wake:inbox.work") or "worker_inbox" in web.running, 5)
        client.flushdb()


@pytest.fixture
def cable(web: Web) -> Iterator[Cable]:
    """All of the product reaches Redis through a cable in our hands."""
    direct = web.env["REDIS_URL"]
    parts = urlsplit(direct)
    made = Cable(parts.hostname or "", parts.port or 6379)
    web.kill("web")
    web.env["REDIS_URL"] = urlunsplit(parts._replace(netloc=f"127.0.0.1:{made.port}"))
    web.again()
    yield made
    made.cut()
    web.env["REDIS_URL"] = direct


@pytest.mark.redis
@pytest.mark.parametrize("outage", [Cable.cut, Cable.stop_hearing])
def test_while_redis_is_away_deliveries_are_taken_at_once_and_worked_afterwards(
    web: Web, cable: Cable, outage: Callable[[Cable], None]
) -> None:
    for name in ("worker_inbox", "beat"):
        web.spawn(name)
    raws = push_many(web, 3)
    all_had_one_effect(web, raws)
    outage(cable)
    raws += push_many(web, 100)  # each would take a second and more if anybody waited for Redis
    assert "Traceback" not in web.log("web")
    cable.mend()
    all_had_one_effect(web, raws)


# The database


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A database server that belongs to the test."""
    if programs() is None:
        pytest.skip("PostgreSQL's programs are missing: install the system's package")
    made = Cluster()
    yield made
    made.remove()


class Senders:
    """Four who send without a pause, and what they were answered."""

    def __init__(self, web: Web) -> None:
        self.web, self.enough = web, Event()
        self.answered: list[tuple[int, bytes]] = []
        self.pool = ThreadPoolExecutor(4)
        self.running = [self.pool.submit(self._send) for _ in range(4)]

    def _send(self) -> None:
        while not self.enough.is_set():
            raw = change()
            self.answered.append((self.web.push(raw), raw))

    def heard(self, status: int) -> list[bytes]:
        """What was answered so."""
        return [raw for found, raw in list(self.answered) if found == status]

    def end(self) -> None:
        """Let everybody finish."""
        self.enough.set()
        for one in self.running:
            one.result(30)
        self.pool.shutdown()


def test_a_database_that_crashes_and_comes_back_loses_nothing_that_was_answered(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", cluster.url)
    monkeypatch.delenv("REDIS_URL", raising=False)
    web = Web(tmp_path, "outages")
    web.begin().manage("shell", "-v0", "-c", PAIR)
    web.spawn("worker")
    senders = Senders(web)
    try:
        until(lambda: count(web, "inbox_delivery", "state = 'handled'"), 30, "the worker to begin")
        for _ in range(2):
            before = len(senders.heard(200))
            until(lambda start=before: len(senders.heard(200)) > start + 20, 20, "deliveries")  # type: ignore[misc]
            refused = len(senders.heard(503))
            cluster.crash()
            until(lambda start=refused: len(senders.heard(503)) > start, 20, "a refusal")  # type: ignore[misc]
            cluster.start()
        before = len(senders.heard(200))
        until(lambda: len(senders.heard(200)) > before + 20, 20, "deliveries again")
        senders.end()
        assert {status for status, _ in senders.answered} == {200, 503}
        assert set(senders.heard(200)) <= set(web.stored())
        let_leases_end(web)  # of what was in the worker's hands when the database went
        until(lambda: not count(web, "inbox_delivery", "state IN ('waiting', 'failed')"), 60, "the worker")
        assert count(web, "inbox_delivery", "state = 'handled'") == len(set(web.stored()))
        assert "Traceback" not in web.log("web")
    finally:
        senders.enough.set()
        web.stop()
