from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from planeapp.inbox import replay as replaying
from planeapp.inbox.models import Delivery
from planeapp.installations.models import AuditEntry
from tests.factories import DeliveryFactory, InstallationFactory
from tests.operators.running import refused, run

pytestmark = pytest.mark.django_db


def waiting() -> set[uuid.UUID]:
    return set(Delivery.objects.filter(state="waiting").values_list("pk", flat=True))


def test_named_deliveries_are_put_back_and_told() -> None:
    rows = [DeliveryFactory(state=state) for state in ("handled", "ignored", "waiting", "dead")]
    ran = run("replay", *(str(row.pk) for row in rows[:3]))
    assert (ran.code, ran.out) == (0, "2 put back to be worked on again, 1 left alone (waiting or in hand already).\n")
    assert waiting() == {row.pk for row in rows[:3]}


def test_all_that_were_given_up_are_put_back_known_or_unknown() -> None:
    dead = [DeliveryFactory(state="dead", installation=where) for where in (None, InstallationFactory())]
    DeliveryFactory(state="ignored")
    assert run("replay", "--dead", "--json").json == {"replayed": 2, "left_alone": 0}
    assert waiting() == {row.pk for row in dead}
    assert run("replay", "--dead").out == "0 put back to be worked on again.\n"


def test_a_workspace_bounds_it() -> None:
    mine, foreign = (DeliveryFactory(state="dead", installation=InstallationFactory()) for _ in range(2))
    assert run("replay", "--dead", "--workspace", mine.installation.slug, "--json").json["replayed"] == 1
    assert waiting() == {mine.pk}
    told = refused(run("replay", str(foreign.pk), "--workspace", str(mine.installation.workspace_id)))
    assert str(foreign.pk) in told


def test_times_bound_it() -> None:
    now = timezone.now().replace(microsecond=0)
    rows = [DeliveryFactory(state="dead", received_at=now - timedelta(hours=hours)) for hours in (3, 2, 1)]
    since, until = ((now - timedelta(hours=hours)).isoformat() for hours in (2, 1))
    assert run("replay", "--dead", "--since", since, "--until", until, "--json").json["replayed"] == 1
    assert waiting() == {rows[1].pk}


def test_it_is_written_down_in_the_log_of_the_workspace_or_of_the_whole() -> None:
    row = DeliveryFactory(state="dead", installation=InstallationFactory())
    run("replay", "--dead", "--workspace", row.installation.slug, "--until", "2100-01-01")
    run("replay", str(row.pk))
    first, second = AuditEntry.objects.order_by("pk")
    told = {"by": "command line", "state": "dead", "until": "2100-01-01T00:00:00+00:00", "replayed": 1, "left_alone": 0}
    assert (first.installation, first.who, first.action, first.detail) == (row.installation, "system", "replayed", told)
    assert (second.installation, second.detail["deliveries"]) == (None, str(row.pk))


def test_an_id_that_is_not_there_stops_all_of_it() -> None:
    row, gone = DeliveryFactory(state="dead"), uuid.uuid4()
    told = refused(run("replay", str(row.pk), str(gone)))
    assert told == f"Not found: {gone}. Deliveries are kept for 30 days. Nothing was replayed."
    assert waiting() == set()


@pytest.mark.parametrize(("arguments", "told"), [
    ((), "Name at least one delivery"),
    (("--dead", str(uuid.uuid4())), "not both"),
    (("not-an-id",), "'not-an-id' is no id of a delivery"),
    (("--dead", "--workspace", "nowhere"), "No workspace 'nowhere'"),
    (("--dead", "--since", "yesterday"), "--since: 'yesterday' is not ISO 8601"),
    ((str(uuid.uuid4()), "--since", "2026-01-01"), "go with --dead"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_one_line(arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(run("replay", *arguments))


def test_too_many_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "LIMIT", 1)
    DeliveryFactory.create_batch(2, state="dead")
    assert "more than 1 deliveries" in refused(run("replay", "--dead"))
    assert waiting() == set()
