"""The SDK's resources on our own HTTP client: one client for everything, and response headers that stay reachable."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx2
import requests
from plane.api.base_resource import BaseResource
from plane.config import Configuration

from planeapp.lib.errors import Gone, OutcomeUnknown, ReconnectNeeded, RetryLater
from planeapp.plane.answers import ServerTrouble, raise_for_response, read_json
from planeapp.plane.quota import allowance
from planeapp.plane.scopes import check_call
from planeapp.providers.base import Access

SECONDS = 30.0


class Session:
    """Stands where the SDK keeps its ``requests.Session``: same verbs, our client, our errors, a fresh token per call.

    Every answer that is returned is a readable 2xx. ``lacks`` are scopes that the token is known to be without: a call
    that needs one of them raises ScopeMissing and is not sent; nor is one for which the budget has no room.
    """

    def __init__(self, access: Access, lacks: Collection[str] = ()) -> None:
        self.access = access
        self.lacks = lacks

    def get(self, url: str, **options: Any) -> httpx2.Response:
        """GET; may be repeated at will."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx2.Response:
        """POST; OutcomeUnknown when the answer is lost."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx2.Response:
        """PUT; may be repeated at will."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> httpx2.Response:
        """PATCH with plain values; may be repeated at will."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> httpx2.Response:
        """DELETE; may be repeated at will."""
        return self.request("DELETE", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = SECONDS,
    ) -> httpx2.Response:
        """One call, and one more with a fresh token when Plane refuses the token (a 401 in JSON)."""
        check_call(self.lacks, method, httpx2.URL(url).path)

        def send(token: str) -> httpx2.Response:
            with self.access.budget("bot").call() as call:
                response = self.access.http.send(
                    method, url, headers={**(headers or {}), "Authorization": f"Bearer {token}"}, params=params,
                    json=json, seconds=timeout or SECONDS, repeatable=method != "POST",
                )  # fmt: skip
                call.tell(allowance(response))
            return response

        token = self.access.token()
        response = send(token)
        if _token_refused(response):
            fresh = self.access.token(refused=token)
            if fresh == token:
                raise ReconnectNeeded(f"{method} {httpx2.URL(url).path}: token refused, and there is no newer one")
            response = send(fresh)
        raise_for_response(response)
        return response


def _token_refused(response: httpx2.Response) -> bool:
    return response.status_code == 401 and read_json(response) is not None


class Wire(BaseResource):
    """The SDK's URLs, headers and verbs over our session, without its response models.

    The models refuse answers that Plane really gives (a time zone not on their list, a bare item where a page is
    expected), also after a write has happened, so answers stay plain JSON here.
    """

    def __init__(self, session: Session, base_url: str) -> None:
        super().__init__(Configuration(base_path=base_url, access_token="set by the session"), "")
        self.session = cast(requests.Session, session)

    def read(self, *path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET ``/api/v1/<path>/``."""
        return self._get(joined(path), params)

    def make(self, *path: str, data: Mapping[str, Any], repeatable: bool) -> Any:
        """POST. ``repeatable``: a second one makes no second row, so that every doubtful end is RetryLater.

        Else a doubtful end (no answer, a 5xx, an unreadable success) is OutcomeUnknown.
        """
        try:
            return self._post(joined(path), data)
        except OutcomeUnknown as error:
            if repeatable:
                raise RetryLater(str(error)) from error
            raise
        except ServerTrouble as error:
            if repeatable:
                raise
            raise OutcomeUnknown(str(error)) from error

    def change(self, *path: str, data: Mapping[str, Any]) -> Any:
        """PATCH."""
        return self._patch(joined(path), data)

    def drop(self, *path: str) -> None:
        """DELETE; nothing happens when it is not there."""
        try:
            self._delete(joined(path))
        except Gone:
            return


def joined(parts: tuple[str, ...]) -> str:
    """A path of quoted parts; Gone when one is empty or climbs, since it then names another thing."""
    if any(part in ("", ".", "..") for part in parts):
        raise Gone(f"no such path: {'/'.join(parts)}")
    return "/".join(quote(part, safe="") for part in parts)
