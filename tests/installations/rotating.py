"""A vendor whose refresh tokens work once, and workers that take turns at the seams of ``tokens.py``.

The workers are greenlets: one runs until its next seam, then the schedule (a seeded random one) says who goes on. A worker
that dies is never run again, as after a kill: nothing of its clean-up happens.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import greenlet
import pytest
from django.utils import timezone

from planeapp.installations import tokens
from planeapp.installations.models import Credential
from planeapp.lib.errors import ReconnectNeeded
from planeapp.plane.oauth import Grant


def seam() -> None:
    """Let the others go on."""
    hub = greenlet.getcurrent().parent
    if hub is not None:
        hub.switch()


@dataclass
class RotatingVendor:
    """``spent``: refresh tokens that were used, in order. ``reused``: those that came a second time."""

    spent: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    asking: set[Any] = field(default_factory=set)
    holder: Any = None
    newest: str = "access-0"

    def __call__(self, credential: Credential) -> Grant:
        """What ``ask`` is for ``valid_token``."""
        me, token = greenlet.getcurrent(), str(credential.refresh)
        seam()  # the request is on its way
        self.asking.add(me)
        if token in self.spent:
            self.reused.append(token)
            raise ReconnectNeeded("invalid_grant")
        self.spent.append(token)
        self.newest = f"access-{len(self.spent)}"
        grant = Grant(self.newest, f"refresh-{len(self.spent)}", 3600, frozenset())
        seam()  # the answer is on its way
        return grant


@dataclass
class Schedule:
    """Runs workers to their ends in an order that the seed decides; ``deaths`` of them die on the way."""

    seed: int
    vendor: RotatingVendor
    credential: Credential
    deaths: int = 0

    def run(self, jobs: list[Any]) -> list[str]:
        """What the jobs gave, those of the dead left out."""
        dice, results, dead = random.Random(self.seed), [], []
        waiting = [greenlet.greenlet(job) for job in jobs]
        for _ in range(2000):
            if not waiting:
                break
            one = dice.choice(waiting)
            if self.deaths > len(dead) and len(waiting) > 1 and one not in self.vendor.asking and dice.random() < 0.2:
                waiting.remove(one)
                dead.append(one)
                if one is self.vendor.holder:
                    self._let_its_lease_end()
                continue
            result = one.switch()
            if one.dead:
                waiting.remove(one)
                results.append(result)
        assert not waiting, f"seed {self.seed}: workers wait for ever"
        self.buried = dead  # kept, since a greenlet that is collected would still clean up
        return results

    def _let_its_lease_end(self) -> None:
        """Time goes by until the lease of the one who just died is over."""
        over = timezone.now() - timedelta(seconds=tokens.LEASE_SECONDS + 1)
        held = Credential.objects.filter(pk=self.credential.pk).exclude(refresh_claimed_at=None)
        held.update(refresh_claimed_at=over)


def with_seams(monkeypatch: pytest.MonkeyPatch, vendor: RotatingVendor) -> None:
    """Before and after each step of ``tokens.py`` that touches the row, another worker may come in between."""
    claim, store = tokens._claim, tokens.store_grant

    def claiming(credential: Credential) -> bool:
        seam()
        if taken := claim(credential):
            vendor.holder = greenlet.getcurrent()
        seam()
        return taken

    def storing(credential: Credential, grant: Any) -> None:
        seam()
        store(credential, grant)
        vendor.holder = None
        seam()

    monkeypatch.setattr(tokens, "_claim", claiming)
    monkeypatch.setattr(tokens, "store_grant", storing)
    monkeypatch.setattr(tokens, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda seconds: seam()))
