"""The tool profiles that the MCP endpoint can play. Real tool names are not public: a client must cope with any."""

from __future__ import annotations

from planeapp.sandbox.planner import tools_classic, tools_days, tools_epoch, tools_nested
from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.planner.tooling import Profile
from planeapp.sandbox.store import Store

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (tools_classic.PROFILE, tools_days.PROFILE, tools_nested.PROFILE, tools_epoch.PROFILE)
}


def current(store: Store) -> Profile:
    """The profile that the settings name; read at each request."""
    return PROFILES[setting(store, "mcp", "profile")]
