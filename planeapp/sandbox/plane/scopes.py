"""The names of Plane's OAuth scopes and what a token may do with them (Plane developer docs, OAuth scopes)."""

from __future__ import annotations

_NAMES = """
projects projects.features projects.members projects.states projects.labels projects.intakes projects.epics
projects.cycles projects.pages projects.modules projects.milestones projects.work_items projects.work_items.comments
projects.work_items.attachments projects.work_items.links projects.work_items.relations projects.work_items.activities
projects.work_items.worklogs projects.work_item_types projects.work_item_properties projects.work_item_property_options
projects.work_item_property_values wiki.pages stickies assets customers customers.requests customers.properties
customers.property_values customers.work_items initiatives initiatives.projects initiatives.epics initiatives.labels
workspaces.members workspaces.features teamspaces teamspaces.projects teamspaces.members
agents.runs agents.run_activities
"""
LEGACY = ("read", "write")
SCOPES = frozenset(f"{name}:{way}" for name in _NAMES.split() for way in LEGACY) | {"profile:read"} | set(LEGACY)
DEFAULT = "read write"


def unknown(scope: str) -> list[str]:
    """Names in a space separated list that are no scopes."""
    return [name for name in scope.split() if name not in SCOPES]


def within(asked: str, granted: str) -> bool:
    """Whether every scope of ``asked`` is in ``granted``."""
    return set(asked.split()) <= set(granted.split())


def common(asked: str, granted: str) -> str:
    """Those of the asked scopes that are granted; the older names stand for all that end so."""
    known = set(granted.split())
    return " ".join(name for name in asked.split() if {name, name.rpartition(":")[2]} & known)


def allows(granted: str | None, area: str, writes: bool) -> bool:
    """Whether a token with these scopes may read or write ``area``; None stands for a personal key, which may all."""
    if granted is None:
        return True
    way = "write" if writes else "read"
    return bool({f"{area}:{way}", way} & set(granted.split()))
