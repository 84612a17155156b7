"""The sandbox vendors for this room, and the engine's bench: a paired project whose other side lives in memory."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import MembershipFactory
from tests.plane.conftest import http, sandbox
from tests.sync.conftest import Bench, bench, world
from tests.vendors import talk, team, vendors

__all__ = ["bench", "http", "sandbox", "talk", "team", "vendors", "world"]


@pytest.fixture
def boss(bench: Bench) -> Client:
    """An admin's browser in the bench's workspace."""
    browser = Client()
    installation = bench.pair.connection.installation
    browser.force_login(MembershipFactory(installation=installation, user__display_name="Ada").user)
    return browser
