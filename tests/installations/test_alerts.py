from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from planeapp.installations import alerts
from planeapp.installations.alerts import Trouble
from planeapp.installations.models import Alert, Installation
from tests.factories import AlertFactory, InstallationFactory

pytestmark = pytest.mark.django_db
DEAD = Alert.Kind.DEAD


@pytest.fixture
def installation() -> Installation:
    """A workspace without a trouble."""
    made: Installation = InstallationFactory()
    return made


def trouble(installation: Installation, **more: Any) -> Trouble:
    words = {"title": "3 messages were given up", "text": "Look.", "page": "/w/x/", "button": "Look", **more}
    return Trouble(installation, **words)


def test_a_trouble_opens_once_however_often_it_is_met_and_closes_when_it_is_over(installation: Installation) -> None:
    for _ in range(3):
        assert alerts.settle(DEAD, [trouble(installation)]) == 1
    assert Alert.objects.get().closed_at is None
    alerts.settle(DEAD, [])
    assert Alert.objects.get().closed_at is not None


def test_one_that_comes_back_is_a_new_one_and_waits_an_hour_after_the_last_mail(installation: Installation) -> None:
    at = timezone.now() - timedelta(minutes=10)
    AlertFactory(installation=installation, kind=DEAD, key="", told_at=at, closed_at=timezone.now())
    alerts.settle(DEAD, [trouble(installation)])
    assert Alert.objects.get(closed_at=None).due_at == at + alerts.FLAPS


def test_each_key_and_each_kind_is_a_trouble_of_its_own(installation: Installation) -> None:
    alerts.settle(
        DEAD, [trouble(installation, key="a"), trouble(installation, key="b"), trouble(InstallationFactory())]
    )
    alerts.settle(Alert.Kind.HELD, [])
    assert Alert.objects.filter(closed_at=None).count() == 3


def test_its_words_follow_what_is_the_matter(installation: Installation) -> None:
    alerts.settle(DEAD, [trouble(installation)])
    alerts.settle(DEAD, [trouble(installation, title="x" * 400)])
    assert Alert.objects.get().title == "x" * 300


@pytest.mark.parametrize(("mark", "aside"), [("one", True), ("two", False)])
def test_what_was_put_aside_stays_so_until_something_more_happens(
    installation: Installation, mark: str, aside: bool
) -> None:
    alerts.settle(DEAD, [trouble(installation, mark="one")])
    assert alerts.put_aside(Alert.objects.get(), "Ada") and not alerts.put_aside(Alert.objects.get(), "Bo")
    alerts.settle(DEAD, [trouble(installation, mark=mark)])
    found = Alert.objects.get()
    assert (found.seen_at is not None, found.seen_by) == (aside, "Ada" if aside else "")


def test_something_more_is_mailed_a_day_after_the_last_mail_at_the_earliest(installation: Installation) -> None:
    at = timezone.now() - timedelta(hours=1)
    AlertFactory(installation=installation, kind=DEAD, key="", told_at=at, told=1, mark="one")
    alerts.settle(DEAD, [trouble(installation, mark="two")])
    assert Alert.objects.get().due_at == at + alerts.AGAIN


def test_what_has_been_over_for_long_is_forgotten() -> None:
    now = timezone.now()
    for ago in (None, timedelta(days=1), alerts.KEPT + timedelta(days=1)):
        AlertFactory(closed_at=now - ago if ago else None)
    assert alerts.forget_old() == 1
    assert Alert.objects.count() == 2
