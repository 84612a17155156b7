"""The web process's entry with fault points and less patience with slow senders (``BODY_SECONDS``) and less room for
large bodies (``BODY_ROOM`` in bytes).
"""

from __future__ import annotations

import os

from planeapp.asgi import application, doors, forms
from tests.faults import points

__all__ = ["application"]
doors.bodies.seconds = forms.seconds = float(os.environ.get("BODY_SECONDS") or doors.bodies.seconds)
doors.bodies.room = int(os.environ.get("BODY_ROOM") or doors.bodies.room)
points.arm()
