"""The embedded worker with fault points."""

from __future__ import annotations

import django
from django.core.management import call_command

from tests.faults import points

if __name__ == "__main__":
    django.setup()
    points.arm()
    call_command("embedded_worker")
