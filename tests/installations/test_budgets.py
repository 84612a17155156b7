from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from planeapp.installations import budgets
from planeapp.installations.gateways import plane_for, provider_for
from planeapp.installations.models import CallWindow
from planeapp.lib.budget import Allowance, Budget, Terms, Window, calling_for, sweeping
from planeapp.lib.budget_redis import RedisStore
from planeapp.lib.errors import OutOfQuota
from tests.factories import ConnectionFactory, InstallationFactory
from tests.harness import ROOT
from tests.vendors import Team

ALLOWED, EACH = 30, 25
CHILD = f"""
import sys
from planeapp.installations.budgets import store
from planeapp.lib.budget import Budget, Terms
from planeapp.lib.errors import OutOfQuota
budget, done = Budget("shared", store(), Terms(limit={ALLOWED})), 0
print("ready", flush=True)
sys.stdin.readline()
for _ in range({EACH}):
    try:
        with budget.call():
            done += 1
    except OutOfQuota:
        break
print(done, flush=True)
"""


def child() -> subprocess.Popen[str]:
    """A process that wants calls from the same budget."""
    at = connection.settings_dict
    url = f"sqlite:///{at['NAME']}"
    if connection.vendor == "postgresql":
        url = f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"
    code = f"import django\ndjango.setup()\n{CHILD}"
    env = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "planeapp.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.django_db(transaction=True)
def test_two_processes_share_one_budget() -> None:
    children = [child() for _ in range(2)]
    for one in children:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    for one in children:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    done = [int(one.communicate(timeout=60)[0]) for one in children]
    assert sum(done) == ALLOWED


@pytest.mark.django_db
def test_embedded_the_windows_are_rows_and_old_ones_are_forgotten(settings: Settings) -> None:
    settings.REDIS_URL = ""
    for name in ("old", "new"):
        with Budget(name, budgets.store(), Terms(limit=2)).call():
            pass
    CallWindow.objects.filter(key="old").update(updated_at=timezone.now() - timedelta(days=2))
    assert budgets.forget_old() == 1
    assert Window.load(CallWindow.objects.get().state, Terms(), timezone.now().timestamp()).used == 1


@pytest.mark.django_db
def test_to_look_at_a_budget_writes_no_row(settings: Settings) -> None:
    settings.REDIS_URL = ""
    budget = Budget("token", budgets.store(), Terms(limit=60))
    assert (budget.rate(sweep=False), budget.delay(sweep=True)) == (1.0, 0)
    assert not CallWindow.objects.exists()


@pytest.mark.redis
@pytest.mark.django_db
def test_in_redis_and_in_the_table_the_same_is_known_of_the_same_calls(settings: Settings) -> None:
    stores: list[budgets.Store] = [RedisStore(settings.REDIS_URL), budgets.TableStore()]
    one, other = (Budget("token:main", store, Terms(limit=12)) for store in stores)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(40):
            found = [one_step(budget, number) for budget in (one, other)]
            assert found[0] == found[1]
            assert one.window() == other.window()
            clock.shift(number % 9)
    for store in stores:
        assert store.read("token:main") is not None
        store.forget(["else", "token"])
        assert store.read("token:main") is None


def one_step(budget: Budget, number: int) -> tuple[float, float, float | None, int]:
    """A call, of a sweep mostly, that may be refused; gives what a page would show, and whether it was made."""
    made = 0
    with calling_for("any", sweep=bool(number % 5)), suppress(OutOfQuota), budget.call() as call:
        call.tell(Allowance(remaining=11 - number % 7, refused=number % 11 == 10, resets_in=3))
        made = 1
    return budget.delay(sweep=True), budget.delay(sweep=False), budget.rate(sweep=True), made


@pytest.mark.django_db
def test_every_token_has_a_budget_of_its_own() -> None:
    one, other = ConnectionFactory(), ConnectionFactory()
    names = {budgets.of_connection(one)(slot).key for slot in ("api", "oauth")}
    names |= {budgets.of_connection(other)("api").key, budgets.of_installation(one.installation).key}
    assert len(names) == 4


@pytest.mark.django_db
def test_a_workspace_whose_limit_is_used_up_makes_no_call_and_another_goes_on(team: Team) -> None:
    team.vendors.rows.store.put("settings", "limits", {"per_minute": 4})
    plane = plane_for(team.installation)
    for _ in range(4):
        plane.me()
    with pytest.raises(OutOfQuota):
        plane.me()
    assert [one["status"] for one in team.vendors.plane.asked("GET", "/users/me/")] == [200] * 4
    with budgets.of_installation(InstallationFactory()).call():
        pass


@pytest.mark.django_db
def test_a_sweep_stops_at_half_of_what_the_provider_allows_while_somebody_is_about(team: Team) -> None:
    connection = team.connect("planhat")
    team.vendors.planhat.store.put("settings", "limits", {"calls": 100, "perSecond": 100_000})
    provider = provider_for(connection)
    provider.parties("acme")
    with sweeping(), pytest.raises(OutOfQuota):
        for _ in range(100):
            provider.parties("acme")
    assert provider.parties("acme")
    (found,) = (one for one in budgets.now(team.installation) if one.connection)
    ours = 100 - 10 - found.others  # ten are left to other programs; the try-out of the token counts as another's
    assert (found.used, found.remaining) == (ours // 2 + 1, ours - ours // 2 - 1)


# How it stands


@pytest.mark.django_db
def test_a_page_sees_how_the_limit_of_each_token_stands(team: Team) -> None:
    team.vendors.rows.store.put("settings", "limits", {"per_minute": 60})
    connection = team.connect("planhat")
    plane_for(team.installation).me()
    with sweeping():
        provider_for(connection).parties("acme")
    plane, theirs = budgets.now(team.installation)
    assert (plane.connection, plane.slot, plane.limit, plane.used, plane.remaining) == (None, "bot", 60, 1, 59)
    assert plane.sweep_rate == 0.5  # somebody is about
    assert plane.resets_at is not None and plane.resets_at > timezone.now()
    assert (plane.paused_until, plane.sweep_at) == (None, None)
    assert (theirs.connection, theirs.slot) == (connection, "api")
    assert theirs.used >= 1


@pytest.mark.django_db
def test_a_token_that_was_not_used_yet_is_shown_with_what_the_vendor_documents(settings: Settings) -> None:
    settings.REDIS_URL = ""
    (plane,) = budgets.now(InstallationFactory())
    assert (plane.limit, plane.used, plane.remaining, plane.resets_at) == (60, 0, 60, None)
    assert not CallWindow.objects.exists()


@pytest.mark.django_db
def test_a_429_is_shown_with_its_end_and_for_that_token_alone() -> None:
    one, other = InstallationFactory(), InstallationFactory()
    with time_machine.travel(timezone.now(), tick=False):
        with budgets.of_installation(one).call() as call:
            call.tell(Allowance(resets_in=90, refused=True))
        (shut,), (open_,) = budgets.now(one), budgets.now(other)
        assert shut.paused_until == shut.sweep_at == timezone.now() + timedelta(seconds=90)
        assert (open_.paused_until, open_.sweep_at) == (None, None)


# The end of a workspace


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["table", pytest.param("redis", marks=pytest.mark.redis)])
def test_erasing_a_workspace_erases_its_windows_and_no_other_one_s(settings: Settings, where: str) -> None:
    settings.REDIS_URL = settings.REDIS_URL if where == "redis" else ""
    mine, other = ConnectionFactory(provider="planhat"), ConnectionFactory(provider="planhat")
    all_of = [
        (one.pk, spent)
        for one in (mine, other)
        for spent in (budgets.of_installation(one.installation), budgets.of_connection(one)("api"))
    ]
    for _, budget in all_of:
        with budget.call():
            pass
    assert budgets.erase(mine.installation) == (2 if where == "table" else 0)
    assert [owner for owner, budget in all_of if budget.store.read(budget.key)] == [other.pk] * 2
