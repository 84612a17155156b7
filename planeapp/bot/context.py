"""What a command handler has at hand, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from planeapp.bot.models import Turn
from planeapp.installations.gateways import provider_for, side_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import Gone
from planeapp.plane.gateway import Plane
from planeapp.plane.side import PlaneSide
from planeapp.providers import PROVIDERS, provider_class
from planeapp.providers.base import Item, Party
from planeapp.sync.models import ProjectPair


@dataclass(frozen=True)
class Reply:
    """The one answer to a turn. ``kind`` as agent runs know it; ``options`` make a choice out of an elicitation.

    ``text`` is light Markdown (bold, lists, links); everything from outside in it is escaped when it is sent.
    """

    text: str
    kind: str = "response"
    options: tuple[dict[str, str], ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class Talk:
    """One turn with everything that a command may need, read when it is first looked at."""

    turn: Turn

    @property
    def installation(self) -> Installation:
        """The workspace."""
        return self.turn.installation

    @property
    def item_id(self) -> str:
        """The work item that the talk is about."""
        return str(self.turn.item_id)

    @property
    def project(self) -> str:
        """Its project."""
        return str(self.turn.project_id)

    @cached_property
    def plane(self) -> Plane:
        """Plane, as the bot."""
        return self.side.plane

    @cached_property
    def side(self) -> PlaneSide:
        """Work items in neutral form."""
        return side_for(self.installation)

    @cached_property
    def item(self) -> Item:
        """The work item now. Raises Gone when it is archived or deleted."""
        found = self.side.get(self.project, self.item_id)
        if found is None:
            raise Gone(
                "work item gone", person="This work item is archived or deleted, so there is nothing I can do here."
            )
        return found

    @cached_property
    def role(self) -> int:
        """The asker's role in the workspace, 0 when Plane does not say."""
        return next((member.role or 0 for member in self.plane.members() if member.id == str(self.turn.asker)), 0)

    def connections(self) -> list[Connection]:
        """The workspace's connections, in the order of ``PROVIDERS``."""
        order = list(PROVIDERS)
        return sorted(self.installation.connections.all(), key=lambda found: order.index(found.provider))

    def with_field(self, name: str) -> Connection | None:
        """The connection whose provider keeps such a field (``start``: a schedule; ``parties``: companies)."""
        for connection in self.connections():
            if any(known.name == name for known in provider_class(connection.provider).fields):
                return connection
        return None

    def provider_name(self, name: str) -> str:
        """Name of the outside system that keeps such a field, connected or not."""
        for key in PROVIDERS:
            if any(known.name == name for known in provider_class(key).fields):
                return provider_class(key).name
        return "another system"

    def pair(self, connection: Connection) -> ProjectPair | None:
        """The pair of this item's project, made when the provider has a single place."""
        only = provider_class(connection.provider).only_place
        if only is None:
            return connection.pairs.filter(project_id=self.project).first()
        return self._single_pair(connection, {"place_id": only.id, "place_name": only.name})

    def _single_pair(self, connection: Connection, place: dict[str, Any]) -> ProjectPair:
        key = str(self.item.values.get("key", "")).rpartition("-")[0]
        pair, _ = ProjectPair.objects.get_or_create(
            connection=connection,
            project_id=self.project,
            defaults={"project_name": key, "project_key": key, "zone": self.installation.zone, **place},
        )
        return pair

    def parties(self, name: str, connection: Connection) -> list[Party]:
        """Companies that fit a name."""
        return list(provider_for(connection).parties(name))
