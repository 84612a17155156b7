"""What is kept in step: pairs of projects, links between rows, what is due, what was done."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F
from django.db.models.fields.json import KeyTransform

from planeapp.installations.models import Connection, Installation


class ProjectPair(models.Model):
    """A Plane project and the place of a provider that it is kept in step with, with the rules for it.

    ``rules``: field name → ``{"direction": "off|out|in|both", "winner": "plane|vendor|newest|ask"}``; a field that is not
    named has the provider's default direction and Plane wins.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="pairs")
    project_id = models.UUIDField()
    project_name = models.CharField(max_length=255)
    project_key = models.CharField(max_length=20)
    place_id = models.CharField(max_length=200)
    place_name = models.CharField(max_length=255)
    rules = models.JSONField(default=dict)
    options = models.JSONField(default=dict)  # see planeapp.sync.options.Options
    zone = models.CharField(max_length=64, default="UTC")
    enabled = models.BooleanField(default=True)
    allow_once = models.BooleanField(default=False)  # a person agreed to the next run, however much it changes
    reconciled_at = models.DateTimeField(null=True)  # when the last look at all of it began that came to its end
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "project_id"], name="one_pair_per_project")]

    def __str__(self) -> str:
        return f"{self.project_key} ↔ {self.place_name}"


class ItemLink(models.Model):
    """Two ids and what both sides held when they last agreed.

    ``ours`` and ``theirs`` are each side's own values at that moment (JSON form of ``Values``): a side has changed when
    it differs from its own, however the vendor rewrites what it is given.
    """

    class State(models.TextChoices):
        LINKED = "linked", "In step"
        UNCONFIRMED = "unconfirmed", "Written, not yet confirmed"
        UNLINKED = "unlinked", "No longer linked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="links")
    item_id = models.UUIDField()
    item_key = models.CharField(max_length=40, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    remote_url = models.URLField(max_length=500, blank=True)
    state = models.CharField(max_length=20, choices=State, default=State.LINKED)
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    seen = models.CharField(max_length=40, blank=True, default="")  # Plane's version of the item that we know of last
    made_by_us = models.BooleanField(default=False)
    shown = models.BooleanField(default=False)  # its address stands on the work item
    claimed_at = models.DateTimeField(null=True)  # while a worker is making the row over there
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pair", "remote_id"], name="one_link_per_remote_row", condition=~models.Q(remote_id="")
            ),
            models.UniqueConstraint(
                fields=["pair", "item_id"], name="one_unconfirmed_write", condition=models.Q(state="unconfirmed")
            ),
        ]
        indexes = [
            models.Index(fields=["pair", "item_id"], name="link_by_item"),
            models.Index(fields=["pair"], name="links_in_step", condition=models.Q(state="linked")),
        ]


class Tie(models.Model):
    """A work item tied to a company of a provider.

    A tie that a person took off stays as a row, so that no rule ties the two again. ``contacts``: ids of the company's
    people whom the item concerns. ``shown``: the item was given a label that names the company.
    """

    class Origin(models.TextChoices):
        PERSON = "person", "by a person"
        CUSTOMER = "customer", "by a Plane customer"
        RULE = "rule", "by a rule"

    class State(models.TextChoices):
        ACTIVE = "active", "Tied"
        OFF = "off", "Taken off by a person"
        GONE = "gone", "The company is no longer there"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="ties")
    project_id = models.UUIDField()
    item_id = models.UUIDField()
    item_key = models.CharField(max_length=40, blank=True, default="")
    party_id = models.CharField(max_length=200)
    party_name = models.CharField(max_length=255)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PERSON)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    contacts = models.JSONField(default=list)
    shown = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "item_id", "party_id"], name="one_tie_per_company")
        ]
        indexes = [models.Index(fields=["connection", "party_id"], name="tie_by_company")]


class LabelTie(models.Model):
    """A label that stands for a company: every work item of a paired project that carries it is tied to the company.

    ``label`` is the label's name, folded (see ``planeapp.lib.folding.folded``).
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="label_ties")
    label = models.CharField(max_length=255)
    party_id = models.CharField(max_length=200)
    party_name = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "label"], name="one_company_per_label")]


class Due(models.Model):
    """A work item (or with no item, a whole pair) that has to be looked at; one row however often it was asked for.

    ``asked`` grows with every wish, so that a wish that comes while the work is going on is not lost with it.
    ``told``: the work item as the newest delivery carried it (see ``planeapp.sync.told``); ``only_told``: every wish was
    such a delivery, so nobody asked to look at the other side.
    """

    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="due")
    item_id = models.CharField(max_length=36, blank=True, default="")
    asked = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)
    told = models.JSONField(null=True)
    told_version = models.CharField(max_length=40, blank=True, default="")
    told_at = models.DateTimeField(null=True)
    only_told = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pair", "item_id"], name="due_once_per_item")]


class SyncRun(models.Model):
    """One run of the engine over a pair or some of its items, with what it did. A run over one item is kept only when it
    changed something."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped before its first write"
        FAILED = "failed", "Failed"

    class Kind(models.TextChoices):
        SYNC = "sync", "Sync"
        BACKFILL = "backfill", "Backfill"
        UNDO = "undo", "Undo"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SYNC)
    whole = models.BooleanField(default=False)
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, related_name="undone_by")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    counts = models.JSONField(default=dict)
    detail = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["pair", "-started_at"], name="runs_of_a_pair")]


class RunChange(models.Model):
    """One write of a run with what stood there before, committed before the write: so that the run can be taken back.

    ``before`` and ``after`` are JSON forms of ``Values`` (``after`` only of what was written). ``done`` is set with the
    link; a change that is not done may have happened or not.
    """

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="changes")
    link = models.ForeignKey(ItemLink, models.SET_NULL, null=True, related_name="changes")
    kind = models.CharField(max_length=10)
    side = models.CharField(max_length=10)
    item_id = models.UUIDField()
    item_key = models.CharField(max_length=40, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    done = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    kept = models.CharField(max_length=500, blank=True)  # why an undo left it (or a part of it) as it is
    at = models.DateTimeField(auto_now_add=True)


class Conflict(models.Model):
    """Values that both sides changed, where the rule is to ask: what was agreed last, what each side holds, who chose.

    ``values``: field → ``[agreed, Plane's, the other side's]`` (JSON form); first and last day come together.
    One is open for a link and ``name`` at a time. A choice holds for these very values: when a side changes once more, it
    is asked again.
    """

    class Choice(models.TextChoices):
        PLANE = "plane", "Plane's"
        VENDOR = "vendor", "The other side's"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(ItemLink, models.CASCADE, related_name="conflicts")
    name = models.CharField(max_length=40)
    values = models.JSONField()
    opened_at = models.DateTimeField(auto_now_add=True)
    choice = models.CharField(max_length=10, choices=Choice, blank=True)
    chosen_at = models.DateTimeField(null=True)
    chosen_by = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["link", "name"], name="one_open_conflict", condition=models.Q(closed_at=None)
            )
        ]


class Job(models.Model):
    """Long work over a pair that goes on where it stopped: a backfill, or taking back a run (``run``).

    ``bookmark`` belongs to the kind of work. ``total`` is None until it is known. ``since``: a backfill takes only work
    items that changed since then.
    """

    class Kind(models.TextChoices):
        BACKFILL = "backfill", "Backfill"
        UNDO = "undo", "Undo"

    class State(models.TextChoices):
        WAITING = "waiting", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        ENDED = "ended", "Ended by a person"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=10, choices=Kind)
    run = models.ForeignKey(SyncRun, models.CASCADE, null=True, related_name="jobs")
    result = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="made_by")
    since = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    bookmark = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    detail = models.CharField(max_length=500, blank=True)
    asked_by = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pair"], name="one_backfill_at_a_time", condition=models.Q(kind="backfill", state="waiting")
            ),
            models.UniqueConstraint(
                fields=["run"], name="one_undo_at_a_time", condition=models.Q(kind="undo", state="waiting")
            ),
        ]


class TimelineEntry(models.Model):
    """Something that happened to a work item (or was held back), with a reason code, for people to read."""

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="timeline")
    connection = models.ForeignKey(Connection, models.SET_NULL, null=True)
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, related_name="entries")
    item_id = models.UUIDField(null=True)
    item_key = models.CharField(max_length=40, blank=True)
    code = models.CharField(max_length=40)
    text = models.CharField(max_length=500)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["installation", "-at"], name="timeline_by_workspace"),
            models.Index(fields=["installation", "item_id", "-at"], name="timeline_by_item"),
            models.Index(
                F("connection"), KeyTransform("company", "data"), F("at").desc(), name="timeline_by_company",
                condition=models.Q(item_id=None),
            ),
        ]  # fmt: skip
