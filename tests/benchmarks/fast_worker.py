"""A worker for jobs whose clock runs faster: ``python -m tests.benchmarks.fast_worker SPEED BEGIN SETTINGS``.

``BEGIN`` is when its clock and the machine's showed the same (seconds since the epoch), ``SETTINGS`` JSON of Django settings
that lead to the vendors.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime

import django
from django.conf import settings
from django.utils import timezone

REAL_TIME, REAL_SLEEP = time.time, time.sleep


def hurry(speed: float, begin: float) -> None:
    """Have every clock of this process run ``speed`` times as fast since ``begin``."""

    def now() -> float:
        return begin + (REAL_TIME() - begin) * speed

    time.time = now
    time.sleep = lambda seconds: REAL_SLEEP(seconds / speed)
    timezone.now = lambda: datetime.fromtimestamp(now(), UTC)  # type: ignore[assignment]


def main() -> None:
    """Work off jobs until there are none."""
    speed, begin, ours = float(sys.argv[1]), float(sys.argv[2]), json.loads(sys.argv[3])
    django.setup()
    for name, value in ours.items():
        setattr(settings, name, value)
    hurry(speed, begin)
    from planeapp.sync import jobs  # after Django and the clock
    from planeapp.sync.models import Job

    while Job.objects.filter(state=Job.State.WAITING).exists():
        if jobs.work_one() is None:
            time.sleep(1)


if __name__ == "__main__":
    main()
