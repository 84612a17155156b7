"""The sandbox vendors for this room."""

from __future__ import annotations

from tests.vendors import talk, team, vendors

__all__ = ["talk", "team", "vendors"]
