"""What workers leave behind for operators to see."""

from __future__ import annotations

from django.db import models


class Sign(models.Model):
    """A sign of life: when a process (``name``, such as ``bot@host``) was last there for a queue. Beat's queue is ``beat``."""

    name = models.CharField(max_length=200)
    queue = models.CharField(max_length=20)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "queue"], name="one_sign_per_process_and_queue")]
