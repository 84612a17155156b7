"""One refresh at a time per credential, over threads, processes and deaths; the vendor is real HTTP or rotates for real."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from planeapp.installations import tokens
from planeapp.installations.models import Credential, Membership
from planeapp.installations.people import user_token
from planeapp.installations.tokens import valid_token
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from tests.factories import CredentialFactory
from tests.harness import ROOT, until
from tests.installations.at_plane import own_token, signed_in, token_calls
from tests.installations.rotating import RotatingVendor, Schedule, seam, with_seams
from tests.vendors import Team, Vendors

WORKERS = 100
POOL = 30  # connections to the database, as behind a pooler: a server takes about a hundred in all
ROUNDS, EACH = 10, 100
CHILD = """
import sys, threading
from planeapp.accounts.models import User
from planeapp.installations.people import user_token
user, got = User.objects.get(pk={user}), []
threads = [threading.Thread(target=lambda: got.append(user_token(user))) for _ in range({threads})]
print("ready", flush=True)
sys.stdin.readline()
[one.start() for one in threads]
[one.join() for one in threads]
print(*got, flush=True)
"""


@pytest.fixture
def ada(transactional_db: None, team: Team) -> Membership:
    """Ada, whose access token has ended; Plane was asked nothing yet."""
    membership = signed_in(team)
    expire()
    team.vendors.plane.control.requests.clear()
    return membership


def expire() -> None:
    Credential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def at_once(count: int, work: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ``count`` threads get that start together. Who waits for another worker gives its connection back."""
    gate, pool = threading.Barrier(count), threading.Semaphore(POOL)

    def rest(seconds: float) -> None:
        connection.close()
        pool.release()
        time.sleep(seconds)
        pool.acquire()

    def one() -> str:
        gate.wait()
        with pool:
            try:
                return work()
            finally:
                connection.close()

    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=time.monotonic, sleep=rest))
    with ThreadPoolExecutor(count) as threads:
        return [future.result() for future in [threads.submit(one) for _ in range(count)]]


@contextmanager
def process(vendors: Vendors, user: Any, threads: int) -> Iterator[subprocess.Popen[str]]:
    """Another process on the same database that waits for a line on its standard input, then asks for tokens."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        login = f"{database['USER']}:{database['PASSWORD']}" if database["PASSWORD"] else database["USER"]
        url = f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    env = os.environ | {"DATABASE_URL": url, "PLANE_BASE_URL": vendors.plane.url}
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", CHILD.format(user=user.pk, threads=threads)]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def ready(*children: subprocess.Popen[str]) -> None:
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"


def go(*children: subprocess.Popen[str]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def test_100_parallel_workers_with_an_expired_token_make_1_refresh_call(
    ada: Membership, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    got = at_once(WORKERS, lambda: user_token(ada.user), monkeypatch)
    assert (len(got), set(got)) == (WORKERS, {own_token(ada).access})
    assert len(token_calls(team.vendors, "refresh_token")) == 1


@pytest.mark.postgres
def test_100_parallel_workers_make_1_refresh_call_on_postgresql(
    ada: Membership, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection.vendor == "postgresql"
    for refreshes in (1, 2, 3):
        expire()
        assert len(set(at_once(WORKERS, lambda: user_token(ada.user), monkeypatch))) == 1
        assert len(token_calls(team.vendors, "refresh_token")) == refreshes


def test_100_workers_whose_token_was_just_refused_make_1_refresh_call(
    ada: Membership, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = str(own_token(ada).access)
    Credential.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    got = at_once(WORKERS, lambda: user_token(ada.user, refused=refused), monkeypatch)
    assert set(got) == {own_token(ada).access} != {refused}
    assert len(token_calls(team.vendors, "refresh_token")) == 1


def test_two_processes_with_ten_threads_each_make_1_refresh_call(ada: Membership, team: Team) -> None:
    with process(team.vendors, ada.user, 10) as one, process(team.vendors, ada.user, 10) as other:
        ready(one, other)
        go(one, other)
        got = [token for child in (one, other) for token in child.stdout.readline().split()]  # type: ignore[union-attr]
    assert (len(got), set(got)) == (20, {own_token(ada).access})
    assert len(token_calls(team.vendors, "refresh_token")) == 1


def test_a_process_that_is_killed_in_the_middle_of_a_refresh_is_taken_over(
    ada: Membership, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.vendors.plane.fault("/auth/o/token/", contains="refresh_token", delay=3.0)
    with process(team.vendors, ada.user, 1) as holder:
        ready(holder)
        go(holder)
        until(lambda: token_calls(team.vendors, "refresh_token"), what="the refresh")
        os.killpg(holder.pid, signal.SIGKILL)
    assert own_token(ada).state == Credential.State.REFRESHING
    lease_over = timezone.now() - timedelta(seconds=tokens.LEASE_SECONDS + 1)
    Credential.objects.filter(user=ada.user).update(refresh_claimed_at=lease_over)
    assert set(at_once(20, lambda: user_token(ada.user), monkeypatch)) == {own_token(ada).access}
    assert [call["fault"] for call in token_calls(team.vendors, "refresh_token")] == [True, False]
    assert (own_token(ada).state, own_token(ada).refresh_claimed_at) == (Credential.State.ACTIVE, None)


def test_a_refresh_token_works_once_at_the_real_endpoint_so_these_tests_would_see_a_reuse(
    ada: Membership, team: Team
) -> None:
    stale = str(own_token(ada).refresh)
    user_token(ada.user)
    kept = own_token(ada)
    kept.refresh = stale
    kept.save()
    expire()
    with pytest.raises(ReconnectNeeded):
        user_token(ada.user)


# Interleavings


def job(pk: Any, vendor: RotatingVendor, refused: str) -> Callable[[], str]:
    """Read the row, ask for a token, have it refused, ask again."""

    def run() -> str:
        row = Credential.objects.get(pk=pk)
        seam()
        first = valid_token(row, vendor, refused=refused)
        seam()
        return valid_token(Credential.objects.get(pk=pk), vendor, refused=first)

    return run


def interleave(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[RotatingVendor, list[str], Credential]:
    vendor, credential = RotatingVendor(), CredentialFactory(expired=True, access="access-0", refresh="refresh-0")
    dice = random.Random(seed)
    jobs = [job(credential.pk, vendor, dice.choice(["", "access-0"])) for _ in range(dice.choice([2, 3, 4]))]
    with monkeypatch.context() as patch:
        with_seams(patch, vendor)
        results = Schedule(seed, vendor, credential, deaths=dice.choice([0, 1])).run(jobs)
    return vendor, results, Credential.objects.get(pk=credential.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("round", range(ROUNDS))
def test_reuse_of_a_rotated_token_never_happens_in_1000_random_interleavings(
    round: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refreshes = 0
    for seed in range(round * EACH, (round + 1) * EACH):
        vendor, results, kept = interleave(seed, monkeypatch)
        assert vendor.reused == [], f"seed {seed}"
        assert (kept.access, kept.refresh) == (vendor.newest, f"refresh-{len(vendor.spent)}"), f"seed {seed}"
        assert kept.state != Credential.State.RECONNECT, f"seed {seed}"
        assert results, f"seed {seed}: nobody got a token"
        refreshes += len(vendor.spent)
    assert refreshes > EACH


@pytest.mark.django_db
def test_without_the_lease_the_interleavings_do_find_a_reuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_claim", lambda credential: True)
    found = []
    for seed in range(30):
        try:
            found += interleave(seed, monkeypatch)[0].reused
        except (ReconnectNeeded, RetryLater) as error:
            found.append(error.code)
    assert found
