from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planeapp.installations import connecting
from planeapp.installations.models import Connection
from planeapp.installations.tasks import reprobe
from planeapp.lib.errors import RetryLater
from planeapp.providers import PROVIDERS
from tests.factories import ConnectionFactory
from tests.providers.memory import WORLDS, World

YESTERDAY = timedelta(days=1, minutes=1)


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(PROVIDERS, "memory", "tests.providers.memory.Memory")
    WORLDS["reprobe"] = World()
    return WORLDS["reprobe"]


def connected(**more: object) -> Connection:
    known = {
        "provider": "memory",
        "settings": {"world": "reprobe"},
        "probed_at": timezone.now() - YESTERDAY,
        "report": {},
    }
    return ConnectionFactory(**{**known, **more})


def test_a_connection_is_looked_at_once_a_day(world: World) -> None:
    old, fresh = connected(), connected(probed_at=timezone.now())
    assert (reprobe(), reprobe()) == (1, 0)
    old.refresh_from_db(), fresh.refresh_from_db()
    assert old.can("create") and not fresh.can("create")


def test_what_other_workers_wrote_meanwhile_stays(world: World) -> None:
    found = connected()
    Connection.objects.filter(pk=found.pk).update(settings={"world": "reprobe", "missing_scopes": ["x"]})
    connecting.probe(found)
    found.refresh_from_db()
    assert found.settings["missing_scopes"] == ["x"]


def test_one_that_does_not_answer_keeps_its_report_and_holds_up_nobody(world: World) -> None:
    down, other = connected(report={"abilities": ["list"]}), connected(probed_at=timezone.now() - 2 * YESTERDAY)
    world.fail("probe", RetryLater("down"))
    other_first = reprobe()
    down.refresh_from_db(), other.refresh_from_db()
    assert other_first == 2
    assert down.can("create") and other.report == {}


def test_connections_that_an_admin_has_to_mend_are_left_alone(world: World) -> None:
    connected(status=Connection.Status.RECONNECT)
    connected(installation__status="uninstalled")
    assert reprobe() == 0
