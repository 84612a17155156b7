"""What the endpoints share: the store, the schedule, the callers and the webhooks of one sandbox Planner."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from starlette.requests import Request

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planner.access import Access
from planeapp.sandbox.planner.deliveries import Deliveries
from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.planner.wire import wire_block
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World


@dataclass(frozen=True)
class Services:
    """One per application; found by ``services(request)``."""

    world: World
    store: Store
    clock: Clock
    access: Access
    schedule: Schedule
    deliveries: Deliveries

    @property
    def resource(self) -> str:
        """The MCP endpoint's address, which OAuth tokens are made for."""
        return f"{self.world.planner_url}/api/mcp"


def build(world: World, store: Store, clock: Clock) -> Services:
    """The parts, tied together: a change of a block becomes an event, an event becomes deliveries."""
    deliveries = Deliveries(store)

    def tell(kind: str, block: Doc) -> None:
        moment = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event: Doc = {
            "id": f"evt_{uuid4().hex[:16]}",
            "type": kind,
            "occurredAt": moment,
            "data": {"block": wire_block(block)},
        }
        store.put("events", event["id"], event)
        deliveries.announce(event)

    return Services(world, store, clock, Access(store, clock), Schedule(store, clock, tell), deliveries)


def services(request: Request) -> Services:
    """The parts of the application that got this request."""
    found: Services = request.app.state.services
    return found
