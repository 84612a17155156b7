"""The OAuth scopes that we ask for, each with its reason, which scope a call needs, and what is off without which.

Source: Plane developer docs, "OAuth scopes".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from planeapp.lib.errors import FixSettings

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

OPTIONAL_SCOPES: dict[str, str] = {
    "customers:read": "find the customers that are there, so that none is made twice",
    "customers:write": "make customers of companies, and keep them up to date",
    "customers.work_items:read": "see which work items wait for a customer",
    "customers.work_items:write": "tie work items to a customer",
    "customers.properties:read": "find the properties that were made for customers",
    "customers.properties:write": "make properties for customers, such as health and renewal",
    "customers.property_values:read": "see what a customer's properties hold",
    "customers.property_values:write": "fill in a customer's properties",
    "workspaces.features:read": "see whether the workspace has customers switched on",
}
"""Scope → why it is of use. Not asked for by default: customers are part of Plane's Business plan alone, and nothing tells
what the consent page does with these scopes elsewhere. An operator adds them to ``PLANE_SCOPES``."""

LEGACY = frozenset({"read", "write"})
"""Older names that Plane still gives out: everything may be read, everything may be written."""

Whose = Literal["bot", "person", "both"]


@dataclass(frozen=True)
class Feature:
    """What the app can do with some scopes. ``without``: what people miss else ("…, so <without>").

    ``whose``: on which token the scopes are needed, the bot's, the signed-in person's, or both. ``optional``: not asked
    for unless an operator wants it, so that its absence is nothing to warn of.
    """

    name: str
    needs: tuple[str, ...]
    without: str
    whose: Whose = "bot"
    optional: bool = False


def _both(place: str) -> tuple[str, str]:
    return f"{place}:read", f"{place}:write"


FEATURES: tuple[Feature, ...] = (
    Feature(
        "read_items",
        ("projects:read", "projects.states:read", "projects.work_items:read"),
        "work items cannot be read and nothing is kept in step",
    ),
    Feature("write_items", ("projects.work_items:write",), "work items in Plane, such as their dates, are not changed"),
    Feature("people", ("projects.members:read",), "people are not matched and assignees are not kept in step"),
    Feature("labels", ("projects.labels:read",), "labels of work items are not seen"),
    Feature("make_labels", _both("projects.labels"), "no labels are made for customers"),
    Feature("links", _both("projects.work_items.links"), "no links are put on work items"),
    Feature("comments", _both("projects.work_items.comments"), "the bot does not answer in comments"),
    Feature("runs", _both("agents.run_activities"), "the bot does not answer in agent runs"),
    Feature("run_state", _both("agents.runs"), "the bot does not follow the state of agent runs"),
    Feature("roles", ("workspaces.members:read",), "it is not known who may change things", whose="both"),
    Feature("sign_in", ("profile:read",), "it is not known who signs in", whose="person"),
    Feature("customers", _both("customers"), "companies do not become customers in Plane", optional=True),
    Feature(
        "customer_items", _both("customers.work_items"), "work items are not tied to customers in Plane", optional=True
    ),
    Feature(
        "customer_values",
        (*_both("customers.properties"), *_both("customers.property_values")),
        "customers in Plane do not show what is known of the company",
        optional=True,
    ),
    Feature(
        "workspace_features",
        ("workspaces.features:read",),
        "customers that are switched off in the workspace are not noticed in time",
        optional=True,
    ),
)
"""Every scope of ``MINIMUM_SCOPES`` and ``OPTIONAL_SCOPES`` is needed by one of these."""


@dataclass(frozen=True)
class Off:
    """A feature that cannot work, for want of the scopes in ``missing``.

    ``ours``: we did not even ask for them; None when that is not known.
    """

    feature: Feature
    missing: tuple[str, ...]
    ours: bool | None = False

    @property
    def reason(self) -> str:
        """Why, for people."""
        wanted = " and ".join(self.missing)
        if self.ours is None:
            return f"This app's access to Plane does not cover {wanted}, so {self.feature.without}."
        told = f"This app does not ask Plane for {wanted}" if self.ours else f"Plane did not allow {wanted}"
        return f"{told}, so {self.feature.without}."

    @property
    def mend(self) -> str:
        """What to do about it, for people."""
        them = "it" if len(self.missing) == 1 else "them"
        if self.ours is None:
            tick = f"tick {them} in the app's Scopes & Permissions in Plane"
            return f"An operator has to add {them} to PLANE_SCOPES and {tick}; then install the app again."
        if self.ours:
            return f"An operator has to add {them} to PLANE_SCOPES; then install the app again."
        return f"Tick {them} in the app's Scopes & Permissions in Plane, then install the app again."

    @property
    def told(self) -> str:
        """Reason and mend."""
        return f"{self.reason} {self.mend}"


class ScopeMissing(FixSettings):
    """A call that the token's scopes do not cover: it was not sent."""

    code = "scope_missing"


def holds(granted: Collection[str], scope: str) -> bool:
    """Whether a token with these scopes covers ``scope``. Scopes of which we know none tell nothing: assume it does."""
    if not any(name in known for known in (MINIMUM_SCOPES, OPTIONAL_SCOPES, LEGACY) for name in granted):
        return True
    return _names(granted, scope)


def _names(granted: Collection[str], scope: str) -> bool:
    return scope in granted or scope.rpartition(":")[2] in granted


def features_off(
    granted: Collection[str], asked: Collection[str] = MINIMUM_SCOPES, *, whose: Whose = "bot"
) -> tuple[Off, ...]:
    """What does not work with a token of the bot or a ``person`` that was granted these scopes when asked for those.

    An optional feature of which nothing was asked for is not wanted, so it is not named.
    """
    wanted = [feature for feature in FEATURES if feature.whose in (whose, "both") and _is_wanted(feature, asked)]
    return tuple(off for feature in wanted if (off := _off(feature, granted, asked)))


def _is_wanted(feature: Feature, asked: Collection[str]) -> bool:
    return not feature.optional or any(holds(asked, scope) for scope in feature.needs)


def _off(feature: Feature, granted: Collection[str], asked: Collection[str]) -> Off | None:
    missing = tuple(scope for scope in feature.needs if not holds(granted, scope))
    unasked = tuple(scope for scope in missing if not holds(asked, scope))
    return Off(feature, unasked or missing, ours=bool(unasked)) if missing else None


def lacking(granted: Collection[str]) -> frozenset[str]:
    """What a token with these scopes lacks: of ``MINIMUM_SCOPES`` those that it is known not to cover, of
    ``OPTIONAL_SCOPES`` also those of which nothing is known, since most installations do not have them."""
    needed = {scope for scope in MINIMUM_SCOPES if not holds(granted, scope)}
    return frozenset(needed | {scope for scope in OPTIONAL_SCOPES if not _names(granted, scope)})


def offers(lacks: Collection[str], name: str) -> bool:
    """Whether the feature of that name works without these scopes."""
    return why_off(lacks, name) is None


def why_off(lacks: Collection[str], name: str) -> Off | None:
    """Why the feature of that name does not work without these scopes, or None when it does."""
    (feature,) = (known for known in FEATURES if known.name == name)
    missing = tuple(scope for scope in feature.needs if scope in lacks)
    return _told_without_asking(feature, missing) if missing else None


def _told_without_asking(feature: Feature, missing: tuple[str, ...]) -> Off:
    """Where it is not known what was asked for: all but the optional was, or the app would not run."""
    return Off(feature, missing, ours=None if feature.optional else False)


def check_call(lacks: Collection[str], method: str, path: str) -> None:
    """Raise ScopeMissing for a call that Plane is known to refuse to a token that lacks these scopes."""
    scope = scope_for(method, path)
    if scope not in lacks:
        return
    (feature, *_) = (known for known in FEATURES if scope in known.needs)
    raise ScopeMissing(f"{method} {path} needs {scope}; not sent", person=_told_without_asking(feature, (scope,)).told)


_WORKSPACE = re.compile(r"^.*?/workspaces/[^/]+")
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
        (r"/(?:archived-)?work-items/", "projects.work_items"),
        (r"^/customers/[^/]+/issues/", "customers.work_items"),
        (r"^/customers/[^/]+/property-values/", "customers.property_values"),
        (r"^/customers/[^/]+/requests/", "customers.requests"),
        (r"^/customer-properties/", "customers.properties"),
        (r"^/customers/", "customers"),
        (r"^/features/", "workspaces.features"),
        (r"/projects/", "projects"),
    )
)


def scope_for(method: str, path: str) -> str:
    """The scope that a call to ``path`` needs (``projects.states:read``), or ``""`` when the docs name none."""
    inside = _WORKSPACE.sub("", path)  # a workspace may be called "labels"
    for pattern, place in _PLACES:
        if pattern.search(inside):
            if place == "members":
                place = "projects.members" if "/projects/" in inside else "workspaces.members"
            return f"{place}:{'read' if method.upper() in ('GET', 'HEAD') or place == 'profile' else 'write'}"
    return ""
