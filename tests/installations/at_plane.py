"""People and installations of the sandbox Plane, as our own rows know them."""

from __future__ import annotations

import uuid

import pytest
from pytest_django import Settings

from planeapp.installations import install
from planeapp.installations.gateways import USER, plane_oauth
from planeapp.installations.models import Credential, Membership
from planeapp.sandbox.plane import installs, oauth
from planeapp.sandbox.store import Doc
from tests.vendors import APP, Team, Vendors

REDIRECT = f"{APP}/oauth/plane/callback/"


@pytest.fixture(autouse=True)
def own_counters(settings: Settings) -> None:
    """Rate limits that no other test counts into: with Redis, tests and test processes share one cache."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


def code_of(vendors: Vendors, name: str) -> str:
    """The code that a person gets by agreeing on the consent page."""
    return oauth.issue_code(vendors.rows, vendors.person(name), " ".join(plane_oauth().scopes), REDIRECT)


def signed_in(team: Team, name: str = "ada") -> Membership:
    """The person's membership; they have a token of their own now."""
    membership = team.members[name]
    install.keep_user_grant(membership.user, plane_oauth().exchange_code(code_of(team.vendors, name)))
    return membership


def own_token(membership: Membership) -> Credential:
    """The person's token row, read anew."""
    return Credential.objects.get(user=membership.user, slot=USER)


def take_out(vendors: Vendors) -> None:
    """An admin uninstalls the app in Plane, which tells us nothing."""
    installs.uninstall(vendors.rows, vendors.row("workspace", slug="sandbox"), vendors.row("application"))


def set_role(team: Team, name: str, role: int | None) -> None:
    """Change a person's role in Plane; None takes them out of the workspace."""
    workspace, person = team.vendors.row("workspace", slug="sandbox"), team.vendors.person(name)
    workspace["members"].pop(person["id"], None)
    if role is not None:
        workspace["members"][person["id"]] = role
    team.vendors.rows.store.put("workspace", workspace["id"], workspace)


def token_calls(vendors: Vendors, grant: str) -> list[Doc]:
    """Calls of Plane's token endpoint with this grant type."""
    return [one for one in vendors.plane.asked("POST", "/auth/o/token/") if f"grant_type={grant}" in one["body"]]
