"""What the three sandbox vendors are told at their start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """Addresses and secrets that tie the sandbox to the app under test. Addresses are origins without a last slash."""

    app_url: str = "http://localhost:8000"
    plane_url: str = "http://localhost:8001"
    planner_url: str = "http://localhost:8002"
    planhat_url: str = "http://localhost:8003"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-client-secret"
    webhook_secret: str = "plane_wh_sandbox"
    planner_token: str = "plr_pat_pat_sandbox.secret"
    planhat_token: str = "sandbox-planhat-token"
    planhat_tenant: str = "199627f7-0d65-52cd-89b9-45b5ff561bed"
