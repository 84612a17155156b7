"""What a command handler has at hand, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import structlog
from django.utils import timezone

from planeapp.bot.models import Turn
from planeapp.customers.ties import pair_for
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import Gone, GroundcrewError
from planeapp.plane.gateway import Member, Plane
from planeapp.plane.side import PlaneSide
from planeapp.providers import PROVIDERS, provider_class
from planeapp.providers.base import Item
from planeapp.sync.models import ProjectPair

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Reply:
    """The one answer to a turn. ``kind`` as agent runs know it; ``options`` make a choice out of an elicitation, ``url`` a
    place where something has to be connected first. ``pending``: what is asked for (see ``planeapp.bot.dialogue``).

    ``text`` is light Markdown (bold, lists, links); everything from outside in it is escaped when it is sent.
    """

    text: str
    kind: str = "response"
    options: tuple[dict[str, str], ...] = field(default_factory=tuple)
    pending: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""

    def as_data(self) -> dict[str, Any]:
        """JSON-able form, as a deed keeps it."""
        return {**asdict(self), "options": list(self.options), "pending": dict(self.pending)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Reply:
        """From :meth:`as_data`."""
        return cls(**{**data, "options": tuple(data["options"])})


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
    def asker(self) -> Member | None:
        """Who asks, as the workspace knows them."""
        return next((member for member in self.plane.members() if member.id == str(self.turn.asker)), None)

    @cached_property
    def asked_by_bot(self) -> bool:
        """Whether another bot asks, as far as Plane tells."""
        return str(self.turn.asker) in self.side.bots(self.project)

    @property
    def role(self) -> int:
        """The asker's role in the workspace, 0 when Plane does not say."""
        return (self.asker.role or 0) if self.asker else 0

    @property
    def asker_email(self) -> str:
        """The asker's address, ``""`` when Plane does not say."""
        return self.asker.email if self.asker else ""

    def stopped(self) -> bool:
        """Whether the person asked to stop meanwhile; looked at between the steps of what is done."""
        return Turn.objects.filter(pk=self.turn.pk, stop_asked=True).exists()

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

    def provider_key(self, name: str) -> str:
        """Key of the outside system that keeps such a field, connected or not; ``""`` when there is none."""
        return next((key for key in PROVIDERS if any(f.name == name for f in provider_class(key).fields)), "")

    def provider_name(self, name: str) -> str:
        """Its name for people."""
        key = self.provider_key(name)
        return provider_class(key).name if key else "another system"

    def doing(self, what: str, where: str) -> None:
        """Show on the run that a step begins, so that the person sees it move. Its failure stops nothing."""
        if self.turn.run_id is None or not self.plane.offers("runs"):
            return
        try:
            self.plane.say(str(self.turn.run_id), "action", what, parameters={"in": where})
        except GroundcrewError as error:
            log.warning("no word of the step", code=error.code, detail=str(error))
        Turn.objects.filter(pk=self.turn.pk).update(signed_at=timezone.now())

    def pair(self, connection: Connection) -> ProjectPair | None:
        """The pair of this item's project, made when the provider has a single place."""
        if provider_class(connection.provider).only_place is None:
            return connection.pairs.filter(project_id=self.project).first()
        return pair_for(connection, self.project)
