"""The app in a workspace, what it is connected to, and the secrets that this takes."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from planeapp.lib.crypto import EncryptedTextField
from planeapp.providers import PROVIDERS, provider_class

ADMIN = 20
MEMBER = 15
GUEST = 5


def opaque_id() -> str:
    """An unguessable id for an address that outsiders call."""
    return secrets.token_urlsafe(24)


def plane_webhook_url() -> str:
    """Where Plane pushes for every workspace."""
    return f"{settings.APP_BASE_URL}/webhooks/plane/"


class Installation(models.Model):
    """The app in one workspace. ``workspace_id`` is Plane's and never changes; slug, name and installation id may."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for an admin to confirm"
        ACTIVE = "active", "Installed"
        RECONNECT = "reconnect", "Plane refuses our bot"
        UNINSTALLED = "uninstalled", "Uninstalled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace_id = models.UUIDField(unique=True)
    slug = models.SlugField(max_length=200, db_index=True)
    name = models.CharField(max_length=200)
    app_installation_id = models.UUIDField(null=True)
    app_bot = models.UUIDField(null=True)
    webhook_id = models.UUIDField(null=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    status_detail = models.CharField(max_length=500, blank=True)
    uninstalled_at = models.DateTimeField(null=True)
    zone = models.CharField(max_length=64, default="UTC")
    mentions_without_run = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"

    @property
    def active(self) -> bool:
        """Whether work may be done for this workspace."""
        return self.status == self.Status.ACTIVE


class Membership(models.Model):
    """A person's role in a workspace, as last seen in Plane."""

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.PositiveSmallIntegerField()
    checked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "user"], name="one_membership_per_person")]

    @property
    def is_member(self) -> bool:
        """Whether this person may look at the workspace's pages."""
        return self.role >= MEMBER

    @property
    def is_admin(self) -> bool:
        """Whether this person may change the workspace's settings."""
        return self.role >= ADMIN


class Connection(models.Model):
    """An installation tied to one provider."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Connected"
        RECONNECT = "reconnect", "Reconnect needed"
        PAUSED = "paused", "Paused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    installation = models.ForeignKey(Installation, models.CASCADE, related_name="connections")
    provider = models.CharField(max_length=40)
    status = models.CharField(max_length=20, choices=Status, default=Status.ACTIVE)
    status_detail = models.CharField(max_length=500, blank=True)
    base_url = models.URLField(max_length=300)
    settings = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    probed_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    opaque_id = models.CharField(max_length=64, unique=True, default=opaque_id, editable=False)
    feed_seen = models.JSONField(default=dict)
    feed_read_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "provider"], name="one_connection_per_provider")]

    def __str__(self) -> str:
        return f"{self.provider} of {self.installation.slug}"

    def can(self, ability: str) -> bool:
        """Whether the last probe found this ability."""
        return ability in self.report.get("abilities", [])

    @property
    def provider_name(self) -> str:
        """The vendor's name for people; the key's own letters for one that this version knows no more."""
        return provider_class(self.provider).name if self.provider in PROVIDERS else self.provider.title()

    @property
    def webhook_url(self) -> str:
        """Where the vendor pushes for this connection; nobody can guess it."""
        return f"{settings.APP_BASE_URL}/webhooks/{self.provider}/{self.opaque_id}/"

    @property
    def usable(self) -> bool:
        """Whether calls may go out now."""
        paused = self.paused_until is not None and self.paused_until > timezone.now()
        return self.status == self.Status.ACTIVE and not paused


class Credential(models.Model):
    """One secret of an installation, a connection or a person, encrypted; ``slot`` names it where there are several.

    ``tokens.py`` alone reads and refreshes these.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        REFRESHING = "refreshing", "Refreshing"
        RECONNECT = "reconnect", "Reconnect needed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    installation = models.ForeignKey(Installation, models.CASCADE, null=True, related_name="credentials")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="credentials")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="credentials")
    slot = models.CharField(max_length=20)
    access = EncryptedTextField(blank=True, default="")
    refresh = EncryptedTextField(blank=True, default="")
    keep = EncryptedTextField(blank=True, default="")  # a vendor module's own notes on a grant
    expires_at = models.DateTimeField(null=True)
    scopes = models.TextField(blank=True, default="")
    state = models.CharField(max_length=20, choices=State, default=State.ACTIVE)
    refresh_claimed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True)
    refreshed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "slot"], name="one_credential_per_installation_slot"),
            models.UniqueConstraint(fields=["connection", "slot"], name="one_credential_per_connection_slot"),
            models.UniqueConstraint(fields=["user", "slot"], name="one_credential_per_user_slot"),
        ]

    def __repr__(self) -> str:
        return f"<Credential {self.slot} {self.id}>"

    def fresh_until(self, now: datetime, leeway: float) -> bool:
        """Whether the access token is good for ``leeway`` seconds more."""
        return self.expires_at is None or (self.expires_at - now).total_seconds() > leeway


class CallWindow(models.Model):
    """How many calls one token has made of late, where there is no Redis to count them; see ``planeapp.lib.budget``."""

    key = models.CharField(max_length=120, primary_key=True)
    state = models.TextField(default="")
    updated_at = models.DateTimeField(auto_now=True, db_index=True)


class CallCount(models.Model):
    """How many calls a token (``key``: its budget's) was used for in an hour, by what they were made for.

    ``connection`` is None for Plane. ``refused`` of the ``calls`` were turned away by the vendor (429).
    """

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="call_counts")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="call_counts")
    key = models.CharField(max_length=120)
    purpose = models.CharField(max_length=20)
    hour = models.DateTimeField(db_index=True)
    calls = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "purpose", "hour"], name="one_count_per_purpose_and_hour")
        ]


class ProjectFacts(models.Model):
    """What a Plane project looks like (``name``: project, states, labels or members), as Plane told it last."""

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="project_facts")
    project_id = models.UUIDField()
    name = models.CharField(max_length=20)
    rows = models.JSONField(default=list)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["installation", "project_id", "name"], name="one_fact_of_each_kind")
        ]


class ConnectionNote(models.Model):
    """Something that a provider keeps between runs of one connection (see ``planeapp.providers.base.Notes``)."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="notes")
    name = models.CharField(max_length=40)
    value = models.JSONField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="one_note_of_a_name")]


class Silence(models.Model):
    """A suspicion that a vendor no longer pushes to us: something was found that no delivery had told.

    ``connection`` is None for Plane's webhook. A delivery should have come after ``missed_at``, which we know since
    ``found_at``. Then, in this order: ``renewed_at``, our own try to mend it (a provider's subscription; what was missed
    before no longer counts), and ``told_at``, when the admins were told. The row goes with the next delivery.
    """

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="silences")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="silences")
    missed_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation"], name="one_silence_of_plane", condition=models.Q(connection=None)
            ),
            models.UniqueConstraint(fields=["connection"], name="one_silence_per_connection"),
        ]


class OAuthState(models.Model):
    """One authorization attempt: single use, bound to the browser that began it, kept for ten minutes."""

    class Purpose(models.TextChoices):
        INSTALL = "install"
        SIGN_IN = "signin"
        CONNECT = "connect"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state_hash = models.CharField(max_length=64, unique=True)
    browser_hash = models.CharField(max_length=64)
    purpose = models.CharField(max_length=20, choices=Purpose)
    issuer = models.CharField(max_length=200)
    verifier = EncryptedTextField(blank=True, default="")
    keep = EncryptedTextField(blank=True, default="")
    installation = models.ForeignKey(Installation, models.CASCADE, null=True)
    provider = models.CharField(max_length=40, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    next_page = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)


class AuditEntry(models.Model):
    """Who did what, when, from where. Kept when the person or the workspace goes."""

    installation = models.ForeignKey(Installation, models.SET_NULL, null=True, related_name="audit")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    who = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=40)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    @property
    def label(self) -> str:
        """The action in words."""
        return self.action.replace("_", " ").capitalize()


class AlertSettings(models.Model):
    """Who is told of a workspace's troubles, of which, and when.

    No ``addresses``: the admins. ``without``: kinds (:class:`Alert.Kind`) that nobody wants mail about. Quiet hours are both
    set or both not, in the workspace's zone, and may go over midnight. ``comment_*``: the work item under which the bot says
    it as well. ``fault``: why the last mail or comment did not get through; ``""`` when it did.
    """

    installation = models.OneToOneField(Installation, models.CASCADE, related_name="alert_settings")
    addresses = models.JSONField(default=list)
    without = models.JSONField(default=list)
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    comment_key = models.CharField(max_length=40, blank=True, default="")
    comment_project = models.UUIDField(null=True)
    comment_item = models.UUIDField(null=True)
    fault = models.CharField(max_length=300, blank=True, default="")


class Alert(models.Model):
    """A trouble that only a person can mend, from when it was seen until it is over; one is open for a ``kind`` and ``key``.

    ``mark`` changes when something more of the kind happened: what somebody had seen is told anew then. ``page`` is the path of
    the page that mends it. ``due_at``: when a mail is to go out (None: no more); ``told`` times it was told, ``reached`` are the
    addresses that have this time's mail already. ``commented_at``: the bot said it under a work item.
    """

    class Kind(models.TextChoices):
        BROKEN = "broken", "A connection is refused"
        SILENT = "silent", "A webhook is silent"
        STOPPED = "stopped", "A run was stopped because it would change too much"
        HELD = "held", "A company rule is held because it would act too often"
        DEAD = "dead", "Messages were given up"
        UNINSTALLED = "uninstalled", "The app was taken out in Plane"

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="alerts")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="alerts")
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=100, blank=True, default="")
    mark = models.CharField(max_length=100, blank=True, default="")
    title = models.CharField(max_length=300)
    text = models.TextField()
    page = models.CharField(max_length=300)
    button = models.CharField(max_length=60)
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, db_index=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.CharField(max_length=200, blank=True, default="")
    told = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    reached = models.JSONField(default=list)
    due_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    commented_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "kind", "key"], name="one_open_alert", condition=models.Q(closed_at=None)
            )
        ]
        indexes = [models.Index(fields=["installation", "-opened_at"], name="alerts_of_a_workspace")]
