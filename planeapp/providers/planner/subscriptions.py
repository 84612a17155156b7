"""Webhook subscriptions: their bodies are not public, so answers are read leniently and a create is looked up after.

Default guess for a create: ``{"url", "events"}``; the signing secret is taken from the answer (Planner developer page
names the endpoint, the scopes and the signature only).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planeapp.lib.errors import FixSettings, Gone
from planeapp.providers.planner import reading
from planeapp.providers.planner.client import Client

EVENTS = ("block.created", "block.updated", "block.deleted")
SECRET_NAMES = ("signingSecret", "signing_secret", "secret", "webhookSecret", "webhook_secret")
ADDRESS_NAMES = ("url", "targetUrl", "target_url", "endpoint", "address")
DEPTH = 4


def renew(client: Client, address: str) -> str:
    """Subscribe ``address`` anew and give the signing secret; earlier subscriptions of that address end first."""
    end(client, address)
    answer = client.create_subscription({"url": address, "events": list(EVENTS)})
    secret = next(_secrets(answer, DEPTH), "")
    if not secret:
        raise FixSettings(
            "planner: the subscription's answer holds no signing secret",
            person="Planner made the webhook but showed no signing secret. Copy it from Planner's settings.",
        )
    return secret


def end(client: Client, address: str) -> None:
    """End every subscription of an address."""
    for known in reading.rows(client.list_subscriptions()):
        if any(known.get(name) == address for name in ADDRESS_NAMES) and known.get("id"):
            _end(client, str(known["id"]))


def _end(client: Client, subscription_id: str) -> None:
    try:
        client.delete_subscription(subscription_id)
    except Gone:
        return  # somebody was faster


def _secrets(part: Any, depth: int) -> Iterator[str]:
    """Every text under a name that a secret may have, outermost first."""
    if not isinstance(part, Mapping) or depth == 0:
        return
    for name in SECRET_NAMES:
        if isinstance(part.get(name), str) and part[name]:
            yield part[name]
    for inside in part.values():
        yield from _secrets(inside, depth - 1)
