"""What a full look finds that nobody told, in the sandbox over real HTTP."""

from __future__ import annotations

import pytest
from django.utils import timezone

from planeapp.inbox.tasks import listen
from planeapp.installations.models import Silence
from planeapp.sandbox.plane import work_items
from planeapp.sync.models import ItemLink
from tests.sweeping import Sweeps


def test_a_change_that_was_never_delivered_reaches_the_block(sweeps: Sweeps) -> None:
    before = sweeps.block()
    sweeps.edit(name="Moved in silence", target_date="2026-11-27")
    sweeps.sweep()
    assert sweeps.block()["id"] == before["id"]
    assert "Moved in silence" in str(sweeps.block())
    assert "2026-11-27" in str(sweeps.link().ours)


def test_a_deleted_item_ends_the_link_and_its_block_stays(sweeps: Sweeps) -> None:
    block, item = sweeps.block(), sweeps.team.item()
    work_items.delete(sweeps.team.vendors.rows, item, sweeps.team.vendors.person("ada"))
    sweeps.sweep()
    assert sweeps.link().state == ItemLink.State.UNLINKED
    assert sweeps.codes()[-1] == "unlinked"
    assert block in sweeps.team.blocks()
    assert sweeps.team.vendors.plane.asked("GET", f"/work-items/{item['id']}/")[-1]["status"] == 404


def test_an_archived_item_is_left_alone_and_goes_on_when_it_is_restored(sweeps: Sweeps) -> None:
    sweeps.change(archived_at="2026-11-21")
    for _ in range(2):
        sweeps.sweep()
        sweeps.pass_(15)
    assert (sweeps.link().state, sweeps.codes().count("archived")) == (ItemLink.State.LINKED, 1)
    sweeps.change(archived_at=None, name="Back again")
    sweeps.sweep()
    assert "Back again" in str(sweeps.block())


def test_where_plane_keeps_no_list_of_archived_items_they_count_as_gone(sweeps: Sweeps) -> None:
    sweeps.change(archived_at="2026-11-21")
    sweeps.team.vendors.plane.fault("archived-work-items", status=404, body='{"detail": "Not found."}')
    sweeps.sweep()
    assert sweeps.link().state == ItemLink.State.UNLINKED
    assert len(sweeps.team.blocks()) >= 1


def test_a_project_that_was_closed_to_the_bot_ends_no_link(sweeps: Sweeps) -> None:
    sweeps.team.vendors.plane.fault("/work-items/", status=404, body='{"detail": "Not found."}', times=99)
    sweeps.team.vendors.plane.fault("/projects/[^/]+/$", status=404, body='{"detail": "Not found."}', times=99)
    sweeps.sweep()
    assert sweeps.link().state == ItemLink.State.LINKED


def test_the_pair_remembers_its_last_full_look(sweeps: Sweeps) -> None:
    sweeps.sweep()
    sweeps.pair.refresh_from_db()
    assert sweeps.pair.reconciled_at == timezone.now()


# Suspicions


def test_a_change_that_a_webhook_should_have_told_raises_a_suspicion(sweeps: Sweeps) -> None:
    sweeps.edit(name="Nobody told")
    changed_at = timezone.now()
    sweeps.pass_(3)
    sweeps.sweep()
    found = Silence.objects.get()
    assert abs((found.missed_at or timezone.now()) - changed_at).total_seconds() < 1
    assert (found.connection, found.told_at) == (None, None)


@pytest.mark.parametrize("field", [{"sequence_id": 1}, {"sort_order": 5.0}])
def test_a_newer_time_without_a_change_of_content_raises_none(sweeps: Sweeps, field: dict[str, float]) -> None:
    sweeps.change(**field)
    sweeps.sweep()
    assert not Silence.objects.exists()


def test_our_own_writes_and_those_of_other_bots_raise_none(sweeps: Sweeps) -> None:
    sweeps.edit(by="bot", name="Written by us")
    sweeps.sweep()
    assert "Written by us" in str(sweeps.block())
    assert not Silence.objects.exists()


def test_a_new_item_raises_none_since_restored_and_moved_ones_look_the_same(sweeps: Sweeps) -> None:
    rows = sweeps.team.vendors.rows
    values = {"name": "New", "start_date": "2026-11-23", "target_date": "2026-11-24"}
    work_items.create(rows, sweeps.team.project(), sweeps.team.vendors.person("ada"), values)
    sweeps.lose()
    sweeps.sweep()
    assert any("New" in str(block) for block in sweeps.team.blocks())
    assert not Silence.objects.exists()


def test_the_first_look_at_a_pair_raises_none(sweeps: Sweeps) -> None:
    sweeps.edit(name="Old difference")
    sweeps.pair.reconciled_at = None
    sweeps.pair.save()
    sweeps.sweep()
    assert "Old difference" in str(sweeps.block())
    assert not Silence.objects.exists()


def test_a_delivery_that_was_only_slow_ends_the_suspicion(sweeps: Sweeps) -> None:
    work_items.update(
        sweeps.team.vendors.rows, sweeps.team.item(), sweeps.team.vendors.person("ada"), {"name": "Slow"}, in_pages=True
    )
    sweeps.sweep()
    assert Silence.objects.exists()
    assert sweeps.talk.deliver() == [200]
    listen()
    assert not Silence.objects.exists()
