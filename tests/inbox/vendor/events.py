from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from planeapp.lib.events import BadSignature, Event


def verify(raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
    """Nobody pushes here."""
    raise BadSignature("this vendor does not push")


def read(raw: bytes) -> list[Event]:
    """``{"id": …, "row": …}``."""
    body = json.loads(raw)
    return [Event("remote.changed", body["id"], subject=body["row"])]
