"""What a company rule can be about: fields and values that our copy of the companies knows, Plane's projects and people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import structlog
from django.core.cache import cache
from django.db.models.fields.json import KeyTextTransform

from planeapp.customers.cache import CUSTOM, there
from planeapp.customers.rule_texts import said
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection
from planeapp.lib.budget import calling_for
from planeapp.lib.errors import GroundcrewError
from planeapp.providers.base import COMPANY_FIELDS
from planeapp.sync.models import ProjectPair

log = structlog.get_logger(__name__)
LOOKED_AT = 1000
"""So many companies say which fields of their own there are."""
MOST_VALUES = 60
KEPT_SECONDS = 60
Pair = tuple[str, str]


@dataclass
class Choices:
    """Choices for one connection's rules. ``fault``: why Plane's projects could not be read."""

    connection: Connection
    fault: str = ""
    _values: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def fields(self) -> list[Pair]:
        """Fields of companies, with those of the customer's own."""
        rows = there(self.connection).order_by("-changed_at").values_list("values", flat=True)[:LOOKED_AT]
        own = sorted({name for row in rows for name in row if name.startswith(CUSTOM)})
        return [*COMPANY_FIELDS.items(), *((name, name.removeprefix(CUSTOM)) for name in own)]

    @property
    def when_fields(self) -> list[Pair]:
        """Fields whose change a rule can wait for."""
        return [*self.fields, ("created", "The company itself")]

    @cached_property
    def projects(self) -> list[Pair]:
        """Plane's projects by name; those that are in step already when Plane does not answer."""
        key = f"rule-projects:{self.connection.installation_id}"
        told: list[Pair] = cache.get(key) or self._asked()
        if told:
            cache.set(key, told, KEPT_SECONDS)
        return told or self._known()

    def _asked(self) -> list[Pair]:
        try:
            with calling_for("pages"):
                rows = plane_for(self.connection.installation).projects()
        except GroundcrewError as error:
            log.warning("no choice of projects", code=error.code, detail=str(error))
            self.fault = error.person
            return []
        return sorted(((str(row["id"]), str(row["name"])) for row in rows), key=lambda one: one[1].casefold())

    def _known(self) -> list[Pair]:
        pairs = ProjectPair.objects.filter(connection__installation=self.connection.installation).order_by(
            "project_name"
        )
        return list(dict.fromkeys((str(pair.project_id), pair.project_name) for pair in pairs))

    @property
    def people(self) -> list[str]:
        """Who can be assigned, as far as companies tell."""
        return ["owner", *self.values("owner")]

    def values(self, name: str) -> list[str]:
        """Values of a field that occur, at most ``MOST_VALUES``; asked once for each field."""
        if name not in self._values:
            self._values[name] = self._occurring(name)
        return self._values[name]

    def _occurring(self, name: str) -> list[str]:
        if name not in COMPANY_FIELDS and not name.startswith(CUSTOM):
            return []
        rows = there(self.connection).annotate(told=KeyTextTransform(name, "values")).filter(told__isnull=False)
        found = rows.order_by("told").values_list("told", flat=True).distinct()[: MOST_VALUES * 2]
        return sorted({one for told in found for one in _each(told) if one}, key=str.casefold)[:MOST_VALUES]


def _each(told: Any) -> list[str]:
    """A value's words: of a list each one."""
    text = str(told)
    if text.startswith("["):
        try:
            return [said(one) for one in json.loads(text)]
        except ValueError:
            return [text]
    return [text]
