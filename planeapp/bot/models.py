"""What the bot was asked and what it answered."""

from __future__ import annotations

import uuid

from django.db import models

from planeapp.installations.models import Installation


class Turn(models.Model):
    """One thing said to the bot and its one answer. ``key`` is equal for every delivery of the same mention."""

    class State(models.TextChoices):
        HEARD = "heard", "Heard"
        ACTED = "acted", "Done, answer not yet delivered"
        ANSWERED = "answered", "Answered"
        FAILED = "failed", "Could not answer"
        QUIET = "quiet", "Not meant for the bot"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    installation = models.ForeignKey(Installation, models.CASCADE, related_name="turns")
    key = models.CharField(max_length=200)
    project_id = models.UUIDField()
    item_id = models.UUIDField()
    comment_id = models.UUIDField(null=True)
    run_id = models.UUIDField(null=True)
    activity_id = models.CharField(max_length=64, blank=True)
    asker = models.UUIDField(null=True)
    text = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.HEARD)
    answer_kind = models.CharField(max_length=20, blank=True)
    answer = models.TextField(blank=True)
    options = models.JSONField(default=list)
    pending = models.JSONField(default=dict)  # what the answer asked for, see planeapp.bot.dialogue
    stop_asked = models.BooleanField(default=False)
    sent_once = models.BooleanField(
        default=False
    )  # the answer may be there already, so it is looked for before it is sent
    signed_at = models.DateTimeField(null=True)  # when the person last saw a sign of life
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["installation", "key"], name="one_turn_per_mention")]
        indexes = [models.Index(fields=["installation", "item_id", "-created_at"], name="turns_of_an_item")]


class Deed(models.Model):
    """One command of a turn, put down before it does anything: a repetition finds what was decided, and what was said.

    ``plan`` is what was decided (absolute: "extend by 1h" is an end there), ``before`` what stood there.
    """

    class State(models.TextChoices):
        BEGUN = "begun", "Begun"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        UNDONE = "undone", "Taken back"

    turn = models.ForeignKey(Turn, models.CASCADE, related_name="deeds")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State, default=State.BEGUN)
    plan = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    reply = models.JSONField(default=dict)
    begun_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["turn", "number"], name="one_deed_per_command")]
