"""The three sandbox vendors over real HTTP in this process, and an app that is installed in one of their workspaces.

The servers run once per process; each test begins with freshly seeded rows. Plane's webhook sender does not run: a test
takes the deliveries that wait and brings them to our door itself, in the order that it wants. Use it by importing the
fixtures into a ``conftest.py``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import uvicorn
from django.utils import timezone
from pytest_django import Settings

from planeapp.bot.models import Turn
from planeapp.bot.tasks import answer
from planeapp.inbox.tasks import work_inbox
from planeapp.installations import connecting
from planeapp.installations.connecting import Offer
from planeapp.installations.models import ADMIN, GUEST, MEMBER, Connection, Installation, Membership
from planeapp.providers import form_of
from planeapp.sandbox.clock import Clock
from planeapp.sandbox.control import Control, Fault
from planeapp.sandbox.plane import comments, installs
from planeapp.sandbox.plane import seed as plane_seed
from planeapp.sandbox.plane.app import make_app as make_plane
from planeapp.sandbox.plane.core import Plane as SandboxPlane
from planeapp.sandbox.plane.html import mention, stripped
from planeapp.sandbox.plane.webhooks import build
from planeapp.sandbox.planhat import seed as planhat_seed
from planeapp.sandbox.planhat.app import make_app as make_planhat
from planeapp.sandbox.planner import seed as planner_seed
from planeapp.sandbox.planner.app import make_app as make_planner
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World
from planeapp.sync.models import ProjectPair
from tests.factories import InstallationFactory, MembershipFactory, ProjectPairFactory, UserFactory
from tests.inbox.sending import push

APP = "http://testserver"
NOBODY = "http://127.0.0.1:9"  # where nobody listens
PLENTY = 100_000
ROLES = {"ada": ADMIN, "milo": MEMBER, "gus": GUEST}
TOKENS = {"planner": World.planner_token, "planhat": World.planhat_token}


def _listening() -> socket.socket:
    """asyncio switches Nagle's wait off only for sockets whose protocol is named."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.bind(("127.0.0.1", 0))
    return made


def _origin(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _serve(app: Any, listening: socket.socket, lifespan: str) -> None:
    """Serve until the process ends."""
    config = uvicorn.Config(app, log_level="critical", lifespan=lifespan, timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True).start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "a sandbox vendor did not start"
        time.sleep(0.005)


@dataclass
class Vendor:
    """One vendor: its address, what it was asked, its rows, and how they are made anew."""

    url: str
    control: Control
    store: Store
    seed: Callable[[], None]

    def reset(self) -> None:
        """Fresh rows, no faults, nothing asked yet."""
        self.store.clear()
        self.control.faults.clear()
        self.seed()
        self.control.requests.clear()

    def fault(self, path: str, **more: Any) -> None:
        """Plan a fault; see :class:`planeapp.sandbox.control.Fault`."""
        self.control.faults.append(Fault(path=path, **more))

    def asked(self, method: str, part: str = "") -> list[Doc]:
        """Requests with this method whose path contains ``part``, oldest first."""
        return [one for one in list(self.control.requests) if one["method"] == method and part in one["path"]]


@dataclass
class Vendors:
    """The three, and the sandbox Plane's rows for who wants to play people there."""

    plane: Vendor
    planner: Vendor
    planhat: Vendor
    rows: SandboxPlane

    def person(self, name: str) -> Doc:
        """A person of the sandbox Plane: ada (admin), milo (member), gus (guest), olga (admin of ``other``)."""
        return self.rows.store.find("user", display_name=name)[0]

    def row(self, kind: str, **equal: Any) -> Doc:
        """The first of Plane's rows with these values."""
        return self.rows.live(kind, **equal)[0]

    def install(self, slug: str = "sandbox", by: str = "ada") -> Doc:
        """Install the app in Plane, as its consent page does; gives Plane's row."""
        workspace = self.rows.workspace(slug)
        assert workspace is not None
        return installs.install(self.rows, workspace, self.row("application"), self.person(by))


@cache
def _running() -> Vendors:
    sockets = [_listening() for _ in range(3)]
    urls = [_origin(one) for one in sockets]
    world = World(app_url=APP, plane_url=urls[0], planner_url=urls[1], planhat_url=urls[2])
    stores, clocks = [Store() for _ in urls], [Clock() for _ in urls]
    makers: list[Any] = [make_plane, make_planner, make_planhat]
    apps = [make(world, store, clock) for make, store, clock in zip(makers, stores, clocks, strict=True)]
    controls = [Control(app, clock) for app, clock in zip(apps, clocks, strict=True)]
    for control, listening, lifespan in zip(controls, sockets, ("off", "on", "on"), strict=True):
        _serve(control, listening, lifespan)
    rows, services, tenant = apps[0].state.plane, apps[1].state.services, apps[2].state.tenant

    def seed_plane() -> None:
        plane_seed.seed(rows)
        rows.store.put("settings", "limits", {"per_minute": PLENTY})

    def seed_planner() -> None:
        planner_seed.seed(world, services.store, services.schedule)
        services.store.put("settings", "limits", {"per_minute": PLENTY})

    def seed_planhat() -> None:
        tenant.limits.forget()
        planhat_seed.seed(tenant)
        tenant.store.put("settings", "limits", {"calls": PLENTY, "perSecond": PLENTY})

    seeds = (seed_plane, seed_planner, seed_planhat)
    made = [Vendor(*parts) for parts in zip(urls, controls, stores, seeds, strict=True)]
    return Vendors(*made, rows=rows)


@pytest.fixture
def vendors(settings: Settings) -> Vendors:
    """The running vendors with fresh rows; the product's settings lead to them. Webhook addresses lead nowhere."""
    found = _running()
    for vendor in (found.plane, found.planner, found.planhat):
        vendor.reset()
    settings.PLANE_BASE_URL = settings.PLANE_APP_URL = found.plane.url
    settings.PLANNER_BASE_URL, settings.PLANHAT_BASE_URL = found.planner.url, found.planhat.url
    settings.VENDOR_URLS = {"planner": found.planner.url, "planhat": found.planhat.url}
    settings.APP_BASE_URL = NOBODY
    return found


@dataclass
class Team:
    """Workspace ``sandbox`` with the app installed: our rows and Plane's."""

    vendors: Vendors
    installation: Installation
    members: dict[str, Membership]

    @property
    def base(self) -> str:
        """Where the workspace's pages begin."""
        return f"/w/{self.installation.slug}/"

    def project(self, key: str = "CUST") -> Doc:
        """A project of Plane."""
        return self.vendors.row("project", identifier=key)

    def item(self, number: int = 1, key: str = "CUST") -> Doc:
        """A work item of Plane as it is now."""
        return self.vendors.row("work_item", project=self.project(key)["id"], sequence_id=number)

    def connect(self, provider: str) -> Connection:
        """Connect a vendor with its good token, as the form does."""
        form: Any = form_of(provider)({"token": TOKENS[provider]})
        assert form.is_valid(), form.errors
        url = getattr(self.vendors, provider).url
        return connecting.connect(self.installation, provider, Offer(form.credentials(), form.settings(), url))

    def pair(self, connection: Connection, zone: str = "Europe/Stockholm") -> ProjectPair:
        """Pair project CUST with Planner's Ramp operations."""
        place = {"place_id": "prj_ramp", "place_name": "Ramp operations"}
        made: ProjectPair = ProjectPairFactory(
            connection=connection, project_id=self.project()["id"], zone=zone, **place
        )
        return made

    def blocks(self) -> list[Doc]:
        """Planner's blocks that we have made, oldest first."""
        return [row for row in self.vendors.planner.store.all("blocks") if "plane:" in json.dumps(row)]


@pytest.fixture
def team(db: None, vendors: Vendors) -> Team:
    """The app in workspace ``sandbox``, with ada (admin), milo (member) and gus (guest); nothing is connected yet."""
    plane_row = vendors.install()
    workspace = vendors.row("workspace", slug="sandbox")
    installation: Installation = InstallationFactory(
        workspace_id=workspace["id"], slug="sandbox", name=workspace["name"],
        app_installation_id=plane_row["id"], app_bot=plane_row["app_bot"],
    )  # fmt: skip
    members = {}
    for name, role in ROLES.items():
        person = vendors.person(name)
        user = UserFactory(plane_id=person["id"], display_name=name, email=person["email"])
        members[name] = MembershipFactory(installation=installation, user=user, role=role)
    return Team(vendors, installation, members)


@dataclass
class Talk:
    """People who write under work item CUST-1, and what the bot answers there."""

    team: Team
    deliver_to: Callable[[bytes, str], int]
    number: int = 1

    @property
    def rows(self) -> SandboxPlane:
        """Plane's rows."""
        return self.team.vendors.rows

    @property
    def installation(self) -> Installation:
        """Our row of the workspace."""
        return self.team.installation

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return str(self.installation.app_bot)

    def behave(self, **webhooks: str) -> None:
        """How Plane tells: ``format`` v1, v2 or both; ``agent`` flat, wrapped or off; ``prompt`` text or html."""
        self.rows.store.put("settings", "webhooks", self.rows.setting("webhooks") | webhooks)

    def write(self, text: str, by: str = "ada", *, to_bot: bool = True, parent: str | None = None) -> Doc:
        """Somebody writes a comment, to the bot unless told otherwise; gives Plane's row. Nothing is delivered yet."""
        lead = mention(self.bot) + " " if to_bot else ""
        item, person = self.team.item(self.number), self.team.vendors.person(by)
        return comments.add(self.rows, item, person, comment_html=f"<p>{lead}{text}</p>", parent=parent)

    def waiting(self) -> list[Doc]:
        """Deliveries that Plane wants to send, oldest first."""
        return self.rows.store.all("delivery")

    def deliver(self, *events: str) -> list[int]:
        """Bring waiting deliveries to our door, those of the named events first and alone; gives our answers.

        Without a name all are brought. What is not brought is lost.
        """
        found = self.waiting()
        chosen = [one for event in events for one in found if one["event"] == event] if events else found
        for one in found:
            self.rows.store.delete("delivery", one["id"])
        return [self._bring(one) for one in chosen]

    def _bring(self, delivery: Doc) -> int:
        body = delivery["payload"] or build(self.rows, delivery)
        assert body is not None, f"nothing to tell of {delivery['event']}"
        if delivery["format"] == "v2":
            body["delivery_id"] = delivery["id"]
        return self.deliver_to(json.dumps(body).encode(), delivery["event"])

    def work(self) -> None:
        """Let the workers do all that waits, without the little pauses that they leave for stragglers."""
        work_inbox()
        Turn.objects.update(due_at=timezone.now())
        answer()

    def ask(self, text: str, by: str = "ada") -> str:
        """Write to the bot, let it work, and give its newest answer (``""`` for none)."""
        before = len(self.answers())
        self.write(text, by)
        self.deliver()
        self.work()
        said = self.answers()[before:]
        assert len(said) <= 1, f"more than one answer: {said}"
        return said[0] if said else ""

    def comments(self) -> list[Doc]:
        """The bot's comments under the work item, oldest first."""
        return self.rows.live("comment", issue=self.team.item(self.number)["id"], actor=self.bot)

    def answers(self) -> list[str]:
        """Texts of the bot's comments, oldest first."""
        return [" ".join(stripped(row["comment_html"]).split()) for row in self.comments()]

    def said(self) -> list[Doc]:
        """What the bot said in agent runs: activities, oldest first."""
        return [row for row in self.rows.store.all("run_activity") if row["actor"] == self.bot]


@pytest.fixture
def talk(team: Team) -> Iterator[Talk]:
    """A talk under CUST-1; Plane's deliveries come through our real door."""

    def bring(raw: bytes, event: str) -> int:
        return int(push(raw, **{"X-Plane-Event": event}).status_code)

    yield Talk(team, bring)
