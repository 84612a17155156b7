from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from planeapp.installations import budgets
from planeapp.installations.gateways import plane_for, provider_for
from planeapp.installations.models import CallWindow
from planeapp.lib.budget import Budget, Terms, Window, sweeping
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
def test_a_sweep_stops_at_half_of_what_the_provider_allows(team: Team) -> None:
    connection = team.connect("planhat")
    team.vendors.planhat.store.put("settings", "limits", {"calls": 100, "perSecond": 100_000})
    provider = provider_for(connection)
    with sweeping(), pytest.raises(OutOfQuota):
        for _ in range(100):
            provider.parties("acme")
    assert provider.parties("acme")
