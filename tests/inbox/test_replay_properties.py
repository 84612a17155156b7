from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planeapp.bot.models import Turn
from planeapp.inbox import work
from planeapp.inbox.models import Delivery, Happening
from planeapp.inbox.replay import replay
from planeapp.inbox.turns import claim_turns
from planeapp.installations.models import Installation
from planeapp.sync.models import Due
from tests.factories import DeliveryFactory, InstallationFactory, ProjectPairFactory
from tests.inbox.sending import issue

pytestmark = pytest.mark.django_db
BOT, PROJECT = uuid.uuid4(), uuid.uuid4()
ITEMS, COMMENTS = [uuid.uuid4() for _ in range(2)], [uuid.uuid4() for _ in range(2)]
THINGS = [("edit", number) for number in range(2)] + [("mention", number) for number in range(2)]

things = st.sampled_from(THINGS)
steps = st.one_of(
    st.tuples(st.just("deliver"), things),
    st.tuples(st.just("replay"), st.none() | things),
    st.tuples(st.sampled_from(["work", "die", "answer"]), st.none()),
)


@contextmanager
def taken_back() -> Iterator[None]:
    """A database as before, after each example."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class House:
    """A workspace with a paired project, and what was done so far."""

    def __init__(self) -> None:
        self.installation: Installation = InstallationFactory(app_bot=BOT)
        ProjectPairFactory(connection__installation=self.installation, project_id=PROJECT)
        self.delivered: set[tuple[str, int]] = set()
        self.answered: set[str] = set()

    def deliver(self, thing: tuple[str, int]) -> None:
        """Plane sends it, perhaps not for the first time."""
        self.delivered.add(thing)
        DeliveryFactory(body=self._body(thing), subject=str(ITEMS[thing[1]]), lane=str(self.installation.workspace_id))

    def replay(self, thing: tuple[str, int] | None) -> None:
        """Somebody replays all deliveries of it, or all there are."""
        rows = self.installation.deliveries.all()
        replay(rows if thing is None else rows.filter(body=self._body(thing)), self.installation)

    def work(self, _: None) -> None:
        """A worker takes a batch."""
        work.work_batch()

    def die(self, _: None) -> None:
        """A worker dies with its batch in hand, and its lease ends."""
        claim_turns()
        Delivery.objects.update(claimed_at=None)

    def answer(self, _: None) -> None:
        """The bot answers whom it has heard."""
        heard = Turn.objects.filter(state=Turn.State.HEARD)
        keys = set(heard.values_list("key", flat=True))
        assert not keys & self.answered
        self.answered |= keys
        heard.update(state=Turn.State.ANSWERED)

    def _body(self, thing: tuple[str, int]) -> bytes:
        what, number = thing
        told: dict[str, Any] = {"project": PROJECT, "item": ITEMS[number], "actor": uuid.UUID(int=1)}
        if what == "edit":
            return issue(self.installation.workspace_id, **told)
        body = json.loads(
            issue(self.installation.workspace_id, event="issue_comment", action="created", field=None, **told)
        )
        mention = (
            f'<p><mention-component entity_identifier="{BOT}" entity_name="user_mention"></mention-component> help</p>'
        )
        comment = str(COMMENTS[number])
        body["data"] |= {"id": comment, "issue": str(ITEMS[number]), "comment_html": mention}
        return json.dumps(body).encode()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(steps, max_size=14))
def test_whatever_is_replayed_and_worked_in_whatever_order_each_thing_has_one_effect(
    db: None, told: list[tuple[str, Any]]
) -> None:
    with taken_back():
        house = House()
        for step, thing in told:
            getattr(house, step)(thing)
        house.replay(None)
        while work.work_batch():
            continue
        house.answer(None)
        edits, mentions = ({n for what, n in house.delivered if what == kind} for kind in ("edit", "mention"))
        assert set(Due.objects.values_list("item_id", flat=True)) == {str(ITEMS[number]) for number in edits}
        assert Due.objects.count() == len(edits)
        assert sorted(Turn.objects.values_list("key", flat=True)) == sorted(f"mention:{COMMENTS[n]}" for n in mentions)
        assert Happening.objects.count() == len(house.delivered)
        assert not Delivery.objects.exclude(state__in=["handled", "ignored"]).exists()
