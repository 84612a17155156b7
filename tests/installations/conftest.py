"""A sandbox Plane that the product's own gateways reach."""

from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings

from planeapp.installations.models import Installation
from planeapp.plane.oauth import InstallationDetails
from tests.factories import InstallationFactory
from tests.installations.at_plane import own_counters
from tests.plane.conftest import Sandbox, details, http, sandbox
from tests.vendors import talk, team, vendors

__all__ = ["details", "http", "own_counters", "sandbox", "talk", "team", "vendors"]


@pytest.fixture
def plane_is_there(settings: Settings, sandbox: Sandbox) -> Sandbox:
    """Plane's address in the settings is the sandbox's."""
    settings.PLANE_BASE_URL = sandbox.url
    return sandbox


@pytest.fixture
def installed(db: None, plane_is_there: Sandbox, details: InstallationDetails) -> Installation:
    """Our row of the sandbox's installation, without a bot token so far."""
    return InstallationFactory(
        workspace_id=details.workspace, slug=details.slug, app_installation_id=uuid.UUID(details.id)
    )
