from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planeapp.installations.models import Installation, OAuthState
from planeapp.installations.tasks import upkeep
from tests.factories import InstallationFactory, OAuthStateFactory
from tests.installations.at_plane import take_out, token_calls
from tests.vendors import Team

pytestmark = pytest.mark.django_db


def test_upkeep_forgets_old_attempts(team: Team) -> None:
    kept = OAuthStateFactory()
    OAuthStateFactory(expires_at=timezone.now() - timedelta(days=2))
    upkeep()
    assert list(OAuthState.objects.all()) == [kept]


def test_upkeep_looks_at_installations_that_stand_and_at_no_other(team: Team) -> None:
    for status in ("pending", "reconnect", "uninstalled"):
        InstallationFactory(status=status, uninstalled_at=timezone.now())
    assert upkeep() == 1
    assert len(team.vendors.plane.asked("GET", "/auth/o/app-installation/")) == 1


def test_one_installation_that_cannot_be_looked_at_does_not_keep_upkeep_from_the_next(team: Team) -> None:
    InstallationFactory(app_installation_id=None, workspace_id="00000000-0000-0000-0000-000000000001")
    take_out(team.vendors)
    assert upkeep() == 2
    assert not Installation.objects.filter(status="active").exists()


def test_upkeep_asks_for_a_bot_token_only_when_it_has_none(team: Team) -> None:
    upkeep()
    upkeep()
    assert len(token_calls(team.vendors, "client_credentials")) == 1
