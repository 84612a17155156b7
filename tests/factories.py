"""Rows for tests, each good by itself: ``ProjectPairFactory()`` brings its connection and its installation along."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from planeapp.accounts.models import User
from planeapp.bot.models import Turn
from planeapp.inbox.models import Delivery, DeliveryCount, Happening
from planeapp.installations.models import (
    ADMIN,
    MEMBER,
    Alert,
    AuditEntry,
    Connection,
    Credential,
    Installation,
    Membership,
    OAuthState,
    Silence,
)
from planeapp.sync.models import (
    Conflict,
    Due,
    ItemLink,
    Job,
    ProjectPair,
    RunChange,
    SyncRun,
    Tie,
    TimelineEntry,
)

ABLE = {"lines": [], "abilities": ["list", "get", "find", "create", "update", "delete"], "facts": {}}


def _ids() -> Any:
    return factory.LazyFunction(uuid.uuid4)


def _now() -> Any:
    return factory.LazyFunction(timezone.now)


class UserFactory(DjangoModelFactory):
    """A person; ``username`` is their id in Plane."""

    class Meta:
        model = User

    plane_id = _ids()
    username = factory.LazyAttribute(lambda user: str(user.plane_id))
    display_name = factory.Sequence(lambda number: f"Person {number}")
    email = factory.Sequence(lambda number: f"person{number}@example.com")


class InstallationFactory(DjangoModelFactory):
    """The app, installed and active in a workspace of its own."""

    class Meta:
        model = Installation

    workspace_id = _ids()
    slug = factory.Sequence(lambda number: f"space-{number}")
    name = factory.Sequence(lambda number: f"Space {number}")
    app_installation_id = _ids()
    app_bot = _ids()
    status = Installation.Status.ACTIVE


class MembershipFactory(DjangoModelFactory):
    """An admin of a workspace; ``role=MEMBER`` for one who may only look."""

    class Meta:
        model = Membership

    class Params:
        plain = factory.Trait(role=MEMBER)

    installation = factory.SubFactory(InstallationFactory)
    user = factory.SubFactory(UserFactory)
    role = ADMIN
    checked_at = _now()


class ConnectionFactory(DjangoModelFactory):
    """A connected Planner; ``provider`` for another one."""

    class Meta:
        model = Connection

    installation = factory.SubFactory(InstallationFactory)
    provider = "planner"
    base_url = "http://planner.invalid"
    report = factory.LazyFunction(lambda: dict(ABLE))


class CredentialFactory(DjangoModelFactory):
    """A connection's token that is good for an hour. For other owners: ``connection=None, installation=…``."""

    class Meta:
        model = Credential

    connection = factory.SubFactory(ConnectionFactory)
    slot = "main"
    access = "access-one"
    refresh = "refresh-one"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))
    refreshed_at = _now()

    class Params:
        expired = factory.Trait(expires_at=factory.LazyFunction(lambda: timezone.now() - timedelta(seconds=1)))
        bot = factory.Trait(
            connection=None, installation=factory.SubFactory(InstallationFactory), slot="bot", refresh=""
        )
        person = factory.Trait(connection=None, user=factory.SubFactory(UserFactory), slot="user")


class SilenceFactory(DjangoModelFactory):
    """A change in Plane that was found a while ago and that no delivery had told."""

    class Meta:
        model = Silence

    installation = factory.SubFactory(InstallationFactory)
    missed_at = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=30))
    found_at = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=20))


class OAuthStateFactory(DjangoModelFactory):
    """An attempt to install that is still good for ten minutes; no browser knows its secrets."""

    class Meta:
        model = OAuthState

    state_hash = factory.Sequence(lambda number: f"{number:064d}")
    browser_hash = "0" * 64
    purpose = OAuthState.Purpose.INSTALL
    issuer = "http://plane.invalid"
    verifier = "verifier"
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=10))


class AuditEntryFactory(DjangoModelFactory):
    """Something that somebody did."""

    class Meta:
        model = AuditEntry

    installation = factory.SubFactory(InstallationFactory)
    who = "Ada"
    action = "connect"


class ProjectPairFactory(DjangoModelFactory):
    """A project paired with a place of a connection."""

    class Meta:
        model = ProjectPair

    connection = factory.SubFactory(ConnectionFactory)
    project_id = _ids()
    project_name = "Customer work"
    project_key = "CUST"
    place_id = "main"
    place_name = "Main shelf"


class ItemLinkFactory(DjangoModelFactory):
    """A work item linked to a row."""

    class Meta:
        model = ItemLink

    pair = factory.SubFactory(ProjectPairFactory)
    item_id = _ids()
    item_key = factory.Sequence(lambda number: f"CUST-{number}")
    remote_id = factory.Sequence(lambda number: f"row-{number}")
    state = ItemLink.State.LINKED


class TieFactory(DjangoModelFactory):
    """A work item tied to a company."""

    class Meta:
        model = Tie

    connection = factory.SubFactory(ConnectionFactory, provider="planhat")
    project_id = _ids()
    item_id = _ids()
    party_id = factory.Sequence(lambda number: f"company-{number}")
    party_name = "Acme Air"


class DueFactory(DjangoModelFactory):
    """A work item that is due now."""

    class Meta:
        model = Due

    pair = factory.SubFactory(ProjectPairFactory)
    item_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    due_at = _now()


class SyncRunFactory(DjangoModelFactory):
    """A run that is done."""

    class Meta:
        model = SyncRun

    pair = factory.SubFactory(ProjectPairFactory)
    whole = True
    state = SyncRun.State.DONE
    finished_at = _now()


class RunChangeFactory(DjangoModelFactory):
    """A title that a run wrote over there."""

    class Meta:
        model = RunChange

    run = factory.SubFactory(SyncRunFactory)
    link = factory.SubFactory(ItemLinkFactory, pair=factory.SelfAttribute("..run.pair"))
    kind = "update"
    side = "vendor"
    item_id = factory.SelfAttribute("link.item_id")
    item_key = factory.SelfAttribute("link.item_key")
    remote_id = factory.SelfAttribute("link.remote_id")
    before = factory.LazyFunction(lambda: {"title": "Old belt"})
    after = factory.LazyFunction(lambda: {"title": "New belt"})
    done = True


class ConflictFactory(DjangoModelFactory):
    """A title that both sides changed; nobody has chosen yet."""

    class Meta:
        model = Conflict

    link = factory.SubFactory(ItemLinkFactory)
    name = "title"
    values = factory.LazyFunction(lambda: {"title": ["Belt", "Belt 4", "Belt four"]})


class JobFactory(DjangoModelFactory):
    """A backfill that waits for a worker."""

    class Meta:
        model = Job

    pair = factory.SubFactory(ProjectPairFactory)
    kind = Job.Kind.BACKFILL
    due_at = _now()


class TimelineEntryFactory(DjangoModelFactory):
    """A line of an item's timeline."""

    class Meta:
        model = TimelineEntry

    installation = factory.SubFactory(InstallationFactory)
    item_id = _ids()
    item_key = "CUST-1"
    code = "created"
    text = "Made in Planner."


class DeliveryFactory(DjangoModelFactory):
    """A delivery of Plane that waits to be worked on; ``body`` is a JSON object that asks for nothing."""

    class Meta:
        model = Delivery

    source = Delivery.Source.PLANE
    body = b"{}"
    received_at = _now()
    due_at = _now()


class DeliveryCountFactory(DjangoModelFactory):
    """Deliveries that came one day and are deleted."""

    class Meta:
        model = DeliveryCount

    day = factory.LazyFunction(lambda: timezone.now().date())
    installation = factory.SubFactory(InstallationFactory)
    source = Delivery.Source.PLANE
    state = Delivery.State.HANDLED
    kind = "item.changed"
    count = 1


class HappeningFactory(DjangoModelFactory):
    """An event that was worked on."""

    class Meta:
        model = Happening

    installation = factory.SubFactory(InstallationFactory)
    key = factory.Sequence(lambda number: f"event-{number}")


class TurnFactory(DjangoModelFactory):
    """Something said to the bot that waits for its answer."""

    class Meta:
        model = Turn

    installation = factory.SubFactory(InstallationFactory)
    key = factory.LazyAttribute(lambda turn: f"mention:{turn.comment_id}")
    project_id = _ids()
    item_id = _ids()
    comment_id = _ids()
    asker = _ids()
    text = "help"
    due_at = _now()


class AlertFactory(DjangoModelFactory):
    """A connection that is refused, seen just now and not yet told."""

    class Meta:
        model = Alert

    installation = factory.SubFactory(InstallationFactory)
    kind = Alert.Kind.BROKEN
    key = factory.Sequence(lambda number: f"connection-{number}")
    title = "Planner has to be connected again"
    text = "Planner no longer accepts the connection."
    page = factory.LazyAttribute(lambda alert: f"/w/{alert.installation.slug}/connect/planner/")
    button = "Connect again"
    due_at = _now()
