"""Planner's REST interface: the connector endpoints and the webhook subscriptions (Planner developer page).

Only paths, scopes and the bearer token are documented; bodies come back as parsed JSON for ``events.py``,
``reading.py``
and ``template.py`` to understand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from planeapp.lib.errors import FixSettings, OutcomeUnknown, ReconnectNeeded, RetryLater
from planeapp.providers.base import Access
from planeapp.providers.planner.answers import raise_for_response
from planeapp.providers.planner.quota import allowance

EVENTS = "/v1/connectors/events"
ZAPIER_EVENTS = "/v1/connectors/zapier/triggers/events"
BLOCKS = "/v1/connectors/actions/blocks"
SUBSCRIPTIONS = "/integrations/webhooks/subscriptions"
SLOT = "api"


class Client:
    """REST calls of one connection. Every method raises the errors of ``planeapp.lib.errors`` alone."""

    def __init__(self, access: Access) -> None:
        self.access = access
        prefix = str(access.settings.get("subscriptions_prefix") or "").strip("/")
        self.subscriptions = f"/{prefix}{SUBSCRIPTIONS}" if prefix else SUBSCRIPTIONS

    def events(self, limit: int = 100, cursor: str = "") -> Any:
        """The polling feed, newest page (scope ``events:read``); ``cursor`` only when a page advertised one."""
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        return self._call("GET", EVENTS, "events:read", params=params)

    def zapier_events(self) -> Any:
        """The Zapier feed (scope ``events:read``)."""
        return self._call("GET", ZAPIER_EVENTS, "events:read")

    def create_block(self, body: Mapping[str, Any], idempotency_key: str) -> Any:
        """Create a schedule block (scope ``blocks:write``). Its body is shown only inside Planner's own settings.

        ``Idempotency-Key`` is not documented: it does no harm where it is not known. An unclear end is OutcomeUnknown.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", BLOCKS, "blocks:write", json=dict(body), headers=headers)

    def try_block(self, body: Mapping[str, Any]) -> httpx2.Response:
        """The answer to the call that creates a block, as it came, for people who set the body up."""
        return self._answer("POST", BLOCKS, json=dict(body))

    def list_subscriptions(self) -> Any:
        """Webhook subscriptions (scope ``webhooks:read``)."""
        return self._call("GET", self.subscriptions, "webhooks:read")

    def create_subscription(self, body: Mapping[str, Any]) -> Any:
        """Subscribe an address (scope ``webhooks:write``); the answer may carry the signing secret."""
        return self._call("POST", self.subscriptions, "webhooks:write", json=dict(body))

    def delete_subscription(self, subscription_id: str) -> None:
        """End a subscription (scope ``webhooks:write``). Raises Gone when it is not there."""
        self._call("DELETE", f"{self.subscriptions}/{subscription_id}", "webhooks:write")

    def _call(self, method: str, path: str, scope: str, **parts: Any) -> Any:
        where, writes = f"{method} {path}", method == "POST"
        response = self._answer(method, path, **parts)
        raise_for_response(where, response.status_code, response.headers, response.text, scope=scope, writes=writes)
        return _parsed(where, response, writes)

    def _answer(self, method: str, path: str, **parts: Any) -> httpx2.Response:
        """Whatever Planner answers; a refused token is renewed once."""
        response = self._send(method, path, self.access.token(SLOT), **parts)
        return self._again(method, path, response, **parts) if response.status_code == 401 else response

    def _again(self, method: str, path: str, refused: httpx2.Response, **parts: Any) -> httpx2.Response:
        """Once more with the token that the token function gives for the refused one, if it is another."""
        old = refused.request.headers["Authorization"].removeprefix("Bearer ")
        token = self.access.token(SLOT, refused=old)
        if token == old:
            raise ReconnectNeeded(f"{method} {path}: 401 and no newer token")
        return self._send(method, path, token, **parts)

    def _send(self, method: str, path: str, token: str, **parts: Any) -> httpx2.Response:
        headers = {**parts.pop("headers", {}), "Authorization": f"Bearer {token}"}
        repeatable = True if method == "DELETE" else None
        url = f"{self.access.base_url.rstrip('/')}{path}"
        with self.access.budget(SLOT).call() as call:
            response = self.access.http.send(method, url, headers=headers, repeatable=repeatable, **parts)
            call.tell(allowance(response.status_code, response.headers))
        return response


def _parsed(where: str, response: httpx2.Response, writes: bool) -> Any:
    if not response.content.strip():
        return None
    try:
        return response.json()
    except ValueError as error:
        if writes:
            raise OutcomeUnknown(f"{where}: {response.status_code}, but the answer is not JSON") from error
        page = response.text.lstrip()[:1] == "<"
        problem = f"{where}: {response.status_code}, but the answer is {'an HTML page' if page else 'not JSON'}"
        raise (RetryLater if page else FixSettings)(problem) from error
