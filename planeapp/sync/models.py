"""What is kept in step: pairs of projects, links between rows, what is due, what was done."""

from __future__ import annotations

import uuid

from django.db import models

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
    made_by_us = models.BooleanField(default=False)
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
        indexes = [models.Index(fields=["pair", "item_id"], name="link_by_item")]


class Tie(models.Model):
    """A work item tied to a company of a provider, by a person or a rule."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="ties")
    project_id = models.UUIDField()
    item_id = models.UUIDField()
    party_id = models.CharField(max_length=200)
    party_name = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "item_id", "party_id"], name="one_tie_per_company")
        ]


class Due(models.Model):
    """A work item (or with no item, a whole pair) that has to be looked at; one row however often it was asked for.

    ``asked`` grows with every wish, so that a wish that comes while the work is going on is not lost with it.
    """

    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="due")
    item_id = models.CharField(max_length=36, blank=True, default="")
    asked = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pair", "item_id"], name="due_once_per_item")]


class SyncRun(models.Model):
    """One run of the engine over a pair or some of its items, with what it did."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped before its first write"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pair = models.ForeignKey(ProjectPair, models.CASCADE, related_name="runs")
    whole = models.BooleanField(default=False)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    counts = models.JSONField(default=dict)
    detail = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)


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
        ]
