"""The sandbox vendors for this room, and the engine's bench."""

from __future__ import annotations

from tests.plane.conftest import http, sandbox
from tests.sync.conftest import bench, world
from tests.vendors import talk, team, vendors

__all__ = ["bench", "http", "sandbox", "talk", "team", "vendors", "world"]
