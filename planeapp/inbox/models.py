"""Deliveries: what vendors pushed, as it came."""

from __future__ import annotations

import uuid

from django.db import models

from planeapp.installations.models import Connection, Installation


class Delivery(models.Model):
    """One request to a webhook door. The row is there before the sender is answered; work begins after.

    ``subject`` (a work item or a vendor's row) orders and folds; ``happening`` is equal for two deliveries of the same
    event. Both are found when the row is worked on, so that the door stays fast.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        WORKING = "working", "Being worked on"
        HANDLED = "handled", "Handled"
        IGNORED = "ignored", "Ignored"
        FAILED = "failed", "Failed, will retry"
        DEAD = "dead", "Given up"

    class Source(models.TextChoices):
        PLANE = "plane"
        PROVIDER = "provider"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(max_length=20, choices=Source)
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="deliveries")
    installation = models.ForeignKey(Installation, models.CASCADE, null=True, related_name="deliveries")
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=500, blank=True, default="")
    kind = models.CharField(max_length=60, blank=True, default="")
    subject = models.CharField(max_length=100, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due", condition=models.Q(state__in=["waiting", "failed"])),
            models.Index(fields=["installation", "-received_at"], name="delivery_by_workspace"),
        ]


class Happening(models.Model):
    """An event that was already worked on, so that its next delivery is not."""

    installation = models.ForeignKey(Installation, models.CASCADE)
    key = models.CharField(max_length=200)
    delivery = models.ForeignKey(Delivery, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "key"], name="one_effect_per_happening")]
