"""Which scope a call needs."""

from __future__ import annotations

import pytest

from planeapp.plane.scopes import MINIMUM_SCOPES, scope_for

W = "/api/v1/workspaces/acme"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/users/me/", "profile:read"),
        ("GET", f"{W}/members/", "workspaces.members:read"),
        ("GET", f"{W}/projects/p/project-members/", "projects.members:read"),
        ("GET", f"{W}/projects/", "projects:read"),
        ("POST", f"{W}/projects/p/labels/", "projects.labels:write"),
        ("GET", f"{W}/projects/p/states/", "projects.states:read"),
        ("PATCH", f"{W}/projects/p/work-items/i/", "projects.work_items:write"),
        ("GET", f"{W}/work-items/CUST-1/", "projects.work_items:read"),
        ("POST", f"{W}/projects/p/work-items/i/comments/", "projects.work_items.comments:write"),
        ("GET", f"{W}/projects/p/work-items/i/links/", "projects.work_items.links:read"),
        ("GET", f"{W}/runs/r/", "agents.runs:read"),
        ("POST", f"{W}/runs/r/activities/", "agents.run_activities:write"),
    ],
)
def test_a_call_names_its_scope_and_we_ask_for_it(method: str, path: str, scope: str) -> None:
    assert scope_for(method, path) == scope
    assert scope in MINIMUM_SCOPES


def test_an_unknown_address_names_none() -> None:
    assert scope_for("GET", "/elsewhere/") == ""
