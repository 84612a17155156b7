"""What vendors do: sign bodies and post them to our doors."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from pathlib import Path
from typing import Any

from tests.inbox.door import Answer, Knocker

DOOR = Knocker()
SECRET = "plane_wh_sandbox"
PLANE = "/webhooks/plane/"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "plane_webhooks"
CAPTURED = sorted(FIXTURES.glob("*.json"))


def sign(raw: bytes, secret: str = SECRET) -> str:
    """Plane's signature."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def push(raw: bytes, signature: str | None = None, kind: str = "application/json", **headers: str) -> Answer:
    """Post as Plane does; signed well unless a signature is given (``""``: without one)."""
    given = sign(raw) if signature is None else signature
    named = {"X-Plane-Signature": given, **headers} if given else headers
    return DOOR.post(PLANE, raw, content_type=kind, headers=named)


def push_captured(path: Path) -> Answer:
    """Post a recorded delivery byte for byte, with the headers it came with."""
    recorded = json.loads(path.read_text())
    kept = {name: value for name, value in recorded["headers"].items() if name.startswith("X-") or name == "User-Agent"}
    return DOOR.post(PLANE, recorded["body_raw"].encode(), content_type="application/json", headers=kept)


def push_planner(address: str, raw: bytes, secret: str, age: float = 0) -> Answer:
    """Post as Planner does: ``sha256=`` over ``timestamp.body``."""
    stamp = str(int(time.time() - age))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    headers = {"x-planner-timestamp": stamp, "x-planner-signature": f"sha256={digest}"}
    return DOOR.post(address, raw, content_type="application/json", headers=headers)


def issue_body(workspace: object, **more: Any) -> dict[str, Any]:
    """A v1 body: somebody changed a field of a work item. ``item``, ``project``, ``actor``, ``field``, ``at`` may be given."""
    actor = str(more.get("actor") or uuid.uuid4())
    return {
        "event": more.get("event", "issue"),
        "action": more.get("action", "updated"),
        "workspace_id": str(workspace),
        "data": {
            "id": str(more.get("item") or uuid.uuid4()),
            "project": str(more.get("project") or uuid.uuid4()),
            "updated_at": more.get("at", "2026-11-20T18:00:00Z"),
        },
        "activity": {
            "field": more.get("field", "target_date"),
            "old_value": None,
            "new_value": "x",
            "actor": {"id": actor},
        },
    }


def issue(workspace: object, **more: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(issue_body(workspace, **more)).encode()
