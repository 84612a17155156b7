from __future__ import annotations

import uuid

import pytest

from planeapp.lib import errors
from planeapp.sync.models import TimelineEntry
from planeapp.sync.timeline import REASONS, note, reason_text
from tests.factories import ProjectPairFactory, SyncRunFactory

pytestmark = pytest.mark.django_db
ITEM = str(uuid.uuid4())


def test_a_line_belongs_to_an_item_a_connection_and_a_workspace() -> None:
    run = SyncRunFactory()
    entry = note(run.pair, "created", "Made.", item_id=ITEM, item_key="CUST-1", run=run, data={"after": {"title": "a"}})
    assert entry is not None
    assert (str(entry.item_id), entry.connection, entry.run) == (ITEM, run.pair.connection, run)
    assert entry.installation == run.pair.connection.installation


def test_a_sweep_that_finds_the_same_reason_again_does_not_fill_the_page() -> None:
    pair = ProjectPairFactory()
    lines = [note(pair, "no_dates", "It has no dates.", item_id=ITEM) for _ in range(3)]
    assert lines[1:] == [None, None]
    assert TimelineEntry.objects.count() == 1


def test_what_was_done_twice_is_told_twice() -> None:
    pair = ProjectPairFactory()
    for _ in range(2):
        note(pair, "updated", "Written.", item_id=ITEM)
    assert TimelineEntry.objects.count() == 2


def test_a_reason_that_comes_back_after_something_else_is_told_again() -> None:
    pair = ProjectPairFactory()
    for code in ("no_dates", "created", "no_dates"):
        note(pair, code, "text", item_id=ITEM)
    assert TimelineEntry.objects.count() == 3


def test_another_items_reason_is_its_own() -> None:
    pair = ProjectPairFactory()
    for item in (ITEM, str(uuid.uuid4())):
        note(pair, "no_dates", "text", item_id=item)
    assert TimelineEntry.objects.count() == 2


def test_a_line_may_belong_to_no_item_and_is_cut_to_fit() -> None:
    entry = note(ProjectPairFactory(), "retry_later", "x" * 900)
    assert entry is not None
    assert (entry.item_id, len(entry.text)) == (None, 500)


CODES = {
    kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GroundcrewError)
}


@pytest.mark.parametrize("code", sorted({*REASONS, "created", *CODES}))
def test_every_reason_has_words(code: str) -> None:
    assert reason_text(code)
    assert "_" not in reason_text(code)
