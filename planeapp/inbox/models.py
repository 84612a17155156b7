"""Deliveries: what vendors pushed, as it came."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from planeapp.installations.models import Connection, Installation
from planeapp.lib.ids import time_ordered


class Delivery(models.Model):
    """One request to a vendor's door. The row is there before the sender is answered; work begins after.

    ``lane`` (the workspace as the delivery names it) gives every workspace its turn, ``rank`` lets those go first behind
    whom a person waits, ``subject`` (a work item or a vendor's row) orders and folds. The id grows with time.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        HANDLED = "handled", "Handled"
        IGNORED = "ignored", "Ignored"
        FAILED = "failed", "Failed, will retry"
        DEAD = "dead", "Given up"

    class Source(models.TextChoices):
        PLANE = "plane"
        PROVIDER = "provider"

    class Rank(models.IntegerChoices):
        TALK = 0, "A person waits for an answer"
        REST = 1, "The rest"

    id = models.UUIDField(primary_key=True, default=time_ordered, editable=False)
    source = models.CharField(max_length=20, choices=Source)
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="deliveries")
    installation = models.ForeignKey(Installation, models.CASCADE, null=True, related_name="deliveries", db_index=False)
    lane = models.CharField(max_length=64, blank=True, default="", db_default="")
    rank = models.PositiveSmallIntegerField(choices=Rank, default=Rank.REST, db_default=Rank.REST)
    kind = models.CharField(max_length=60, blank=True, default="", db_default="")
    subject = models.CharField(max_length=100, blank=True, default="", db_default="")
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING, db_default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["lane", "rank", "id"], name="delivery_turns", condition=Q(state__in=["waiting", "failed"])
            ),
            models.Index(
                fields=["lane", "id"], name="delivery_talk", condition=Q(state__in=["waiting", "failed"], rank=0)
            ),
            models.Index(
                fields=["lane", "subject"], name="delivery_in_hand", condition=Q(claimed_at__isnull=False)
            ),
            models.Index(
                F("installation"), F("received_at").desc(), name="delivery_by_workspace",
                condition=Q(installation__isnull=False),
            ),
            models.Index(
                F("installation"), F("state"), F("received_at").desc(), name="delivery_by_end",
                condition=Q(installation__isnull=False),
            ),
            models.Index(fields=["received_at"], name="delivery_by_age"),
        ]  # fmt: skip


class Happening(models.Model):
    """An event that was already worked on, so that its next delivery is not."""

    installation = models.ForeignKey(Installation, models.CASCADE)
    key = models.CharField(max_length=200)
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "key"], name="one_effect_per_happening")]


class DeliveryCount(models.Model):
    """How many deliveries of one kind came on a day (UTC) and how they ended; what is left of those too old to keep.

    ``provider`` is ``""`` for Plane's, ``installation`` None for workspaces that we do not know.
    """

    day = models.DateField()
    installation = models.ForeignKey(Installation, models.CASCADE, null=True, related_name="delivery_counts")
    source = models.CharField(max_length=20, choices=Delivery.Source)
    provider = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=Delivery.State)
    kind = models.CharField(max_length=60, blank=True)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "day", "source", "provider", "state", "kind"], name="one_count_per_kind"
            ),
            models.UniqueConstraint(
                fields=["day", "source", "provider", "state", "kind"], name="one_count_per_kind_of_nobody",
                condition=Q(installation__isnull=True),
            ),
        ]  # fmt: skip
