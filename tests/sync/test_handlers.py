from __future__ import annotations

import uuid

import pytest

from planeapp.lib.events import Event
from planeapp.sync.handlers import items_changed, remotes_changed
from planeapp.sync.models import Due
from tests.factories import ConnectionFactory, InstallationFactory, ItemLinkFactory, ProjectPairFactory

pytestmark = pytest.mark.django_db


def changed(project: object = "", item: object = "") -> Event:
    return Event("item.changed", "e", subject=str(item or uuid.uuid4()), project=str(project))


def test_an_item_is_looked_at_by_every_pair_of_its_project() -> None:
    first = ProjectPairFactory()
    other = ConnectionFactory(installation=first.connection.installation, provider="planhat")
    second = ProjectPairFactory(connection=other, project_id=first.project_id)
    assert items_changed(first.connection.installation, None, [changed(first.project_id)]) == [""]
    assert {row.pair for row in Due.objects.all()} == {first, second}


def test_a_project_that_is_not_paired_is_left_alone() -> None:
    pair = ProjectPairFactory()
    assert items_changed(pair.connection.installation, None, [changed(uuid.uuid4())]) == ["its project is not paired"]
    assert not Due.objects.exists()


def test_a_pair_that_is_switched_off_is_left_alone() -> None:
    pair = ProjectPairFactory(enabled=False)
    assert items_changed(pair.connection.installation, None, [changed(pair.project_id)]) == [
        "its project is not paired"
    ]


def test_the_same_project_in_another_workspace_is_not_touched() -> None:
    pair = ProjectPairFactory()
    assert items_changed(InstallationFactory(), None, [changed(pair.project_id)]) == ["its project is not paired"]


def test_an_event_without_a_project_finds_its_pair_by_the_link() -> None:
    link = ItemLinkFactory()
    ItemLinkFactory(pair=link.pair, item_id=link.item_id)
    assert items_changed(link.pair.connection.installation, None, [changed(item=link.item_id)]) == [""]
    assert Due.objects.get().asked == 1


def test_a_row_makes_the_item_it_is_linked_to_due() -> None:
    link = ItemLinkFactory(remote_id="blk-1")
    event = Event("remote.changed", "e", subject="blk-1")
    assert remotes_changed(link.pair.connection.installation, link.pair.connection, [event]) == [""]
    assert Due.objects.get().item_id == str(link.item_id)


@pytest.mark.parametrize("state", ["unlinked", "unconfirmed"])
def test_a_row_without_a_live_link_is_none_of_our_business(state: str) -> None:
    link = ItemLinkFactory(remote_id="blk-1", state=state)
    event = Event("remote.changed", "e", subject="blk-1")
    told = remotes_changed(link.pair.connection.installation, link.pair.connection, [event])
    assert told == ["not linked to a work item"]


def test_a_row_of_another_connection_with_the_same_id_is_another_row() -> None:
    link = ItemLinkFactory(remote_id="blk-1")
    other = ConnectionFactory()
    told = remotes_changed(other.installation, other, [Event("remote.changed", "e", subject="blk-1")])
    assert told == ["not linked to a work item"]
    assert link.pair.due.count() == 0


def test_many_items_of_several_pairs_are_made_due_with_two_queries(django_assert_num_queries: object) -> None:
    first = ProjectPairFactory()
    second = ProjectPairFactory(connection=first.connection)
    events = [changed(pair.project_id) for pair in (first, second) for _ in range(20)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        told = items_changed(first.connection.installation, None, [*events, changed(uuid.uuid4())])
    assert told == [""] * 40 + ["its project is not paired"]
    assert (first.due.count(), second.due.count()) == (20, 20)
