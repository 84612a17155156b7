"""The sandbox vendors, and a project that is kept in step, for this room."""

from __future__ import annotations

from tests.sync.conftest import sweeps
from tests.vendors import talk, team, vendors

__all__ = ["sweeps", "talk", "team", "vendors"]
