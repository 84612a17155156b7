"""The OAuth scopes that we ask for, each with its reason, and which scope a call needs.

Source: Plane developer docs, "OAuth scopes".
"""

from __future__ import annotations

import re

MINIMUM_SCOPES: dict[str, str] = {
    "projects:read": "list the projects that can be paired, and build work item keys",
    "projects.members:read": "match people by e-mail, and see who may be assigned",
    "projects.states:read": "know which states mean backlog, started or completed",
    "projects.labels:read": "read the labels that the filter and the rules use",
    "projects.labels:write": "make the labels that show a customer on a work item",
    "projects.work_items:read": "read titles, dates, states and assignees that are kept in step",
    "projects.work_items:write": "move the dates when a block moves, create items from templates",
    "projects.work_items.comments:read": "read the comment in which the bot is mentioned",
    "projects.work_items.comments:write": "answer in the comments",
    "projects.work_items.links:read": "see which links are already on a work item",
    "projects.work_items.links:write": "put the link to the block or the customer on a work item",
    "workspaces.members:read": "know who is an admin and may change settings",
    "profile:read": "know who signs in",
    "agents.runs:read": "follow a talk with the bot, and notice that it was stopped",
    "agents.runs:write": "set the link and the state of a talk with the bot",
    "agents.run_activities:read": "read what was said in a talk with the bot",
    "agents.run_activities:write": "answer in a talk with the bot",
}
"""Scope → why we need it. The default of the ``PLANE_SCOPES`` setting is these names, space separated."""

_PLACES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), scope)
    for pattern, scope in (
        (r"/runs/[^/]+/activities/", "agents.run_activities"),
        (r"/runs/", "agents.runs"),
        (r"/users/me/", "profile"),
        (r"/(project-)?members/$", "members"),
        (r"/states/", "projects.states"),
        (r"/labels/", "projects.labels"),
        (r"/work-items/[^/]+/comments/", "projects.work_items.comments"),
        (r"/work-items/[^/]+/links/", "projects.work_items.links"),
        (r"/work-items/", "projects.work_items"),
        (r"/customers/", "customers"),
        (r"/projects/", "projects"),
    )
)


def scope_for(method: str, path: str) -> str:
    """The scope that a call to ``path`` needs (``projects.states:read``), or ``""`` when the docs name none."""
    for pattern, place in _PLACES:
        if pattern.search(path):
            if place == "members":
                place = "projects.members" if "/projects/" in path else "workspaces.members"
            return f"{place}:{'read' if method.upper() in ('GET', 'HEAD') or place == 'profile' else 'write'}"
    return ""
