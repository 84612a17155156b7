"""The values of a consent: what asking a person for access takes, and what comes of it.

Nothing here knows a vendor. ``keep`` texts are a vendor module's own notes (JSON with secrets in it): whoever stores them
encrypts them and hands them back as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.http import Http

Origin = Literal["given", "document", "registered"]
"""``given``: an admin typed it in; ``document``: the address of our own document; ``registered``: we registered."""


@dataclass(frozen=True)
class OAuthClient:
    """Who we are for one authorization server. ``issuer`` is ``""`` until a client that was typed in is first used.

    ``method`` is how the secret is sent (``client_secret_post``, ``client_secret_basic``, ``none``; ``""``: by what the
    server offers). ``scopes`` are those that it was registered for (empty: not limited). ``expires_at`` is the end of the
    secret, in seconds since the epoch, 0 for none.
    """

    id: str
    secret: str = field(default="", repr=False)
    issuer: str = ""
    origin: Origin = "given"
    method: str = ""
    redirect_uri: str = ""
    scopes: frozenset[str] = frozenset()
    expires_at: int = 0

    def as_text(self) -> str:
        """For an encrypted field: it holds the secret."""
        return _CLIENT.dump_json(self).decode()

    @classmethod
    def from_text(cls, text: str) -> OAuthClient:
        """What :meth:`as_text` gave; ReconnectNeeded when it is something else."""
        try:
            return _CLIENT.validate_json(text)
        except ValidationError:  # its text would show the secret
            raise ReconnectNeeded("the stored OAuth client cannot be read") from None


_CLIENT = TypeAdapter(OAuthClient)


@dataclass(frozen=True)
class ConsentRequest:
    """What a consent begins with.

    - ``state``: the caller's, single use; it comes back in the query and is the caller's to check
    - ``settings``: the connection's; ``issuers`` lists further sign-in hosts that an admin allowed
    - ``client``: typed in by an admin, or kept from an earlier :class:`Attempt`; None to start anew
    - ``document_url``: where our client id metadata document is served, ``""`` for nowhere
    - ``held``: scopes of the grant that this one replaces; ``challenge``: the WWW-Authenticate header of the refusal that
      led here. Both are asked for together, so that a step up loses nothing.
    """

    base_url: str
    redirect_uri: str
    state: str = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    client: OAuthClient | None = None
    app_name: str = "Groundcrew"
    app_url: str = ""
    document_url: str = ""
    held: frozenset[str] = frozenset()
    challenge: str = ""


@dataclass(frozen=True)
class Attempt:
    """A consent under way: send the browser to ``url``; store ``keep`` (encrypted, single use) for its return.

    ``client`` is the record to keep with the connection, so that the next consent does not register once more.
    """

    keep: str = field(repr=False)
    url: str = field(default="", repr=False)
    client: OAuthClient | None = None


@dataclass(frozen=True)
class OAuthGrant:
    """Tokens; their texts stay out of ``repr``. ``refresh`` is None when the vendor gave none.

    ``expires_in`` counts seconds, 0 when nobody knows. ``missing`` are scopes that were asked for and not granted.
    """

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_in: int
    scopes: frozenset[str]
    missing: frozenset[str] = frozenset()
    keep: str = field(default="", repr=False)


class ConsentFlow(Protocol):
    """A vendor's ``oauth.py``. Errors are those of ``planeapp.lib.errors``."""

    def begin(self, http: Http, ask: ConsentRequest) -> Attempt:
        """Find the vendor's sign-in and make the address to send the browser to."""

    def finish(self, http: Http, attempt: Attempt, query: Mapping[str, str]) -> OAuthGrant:
        """Tokens for what the browser brought back; the caller has checked ``state``."""

    def refresh(self, http: Http, grant: OAuthGrant) -> OAuthGrant:
        """New tokens for a grant."""

    def revoke(self, http: Http, grant: OAuthGrant) -> bool:
        """End a grant as far as the vendor lets us."""

    def step_up(self, challenge: str, held: frozenset[str]) -> frozenset[str]:
        """The scopes to ask for after a refusal with this WWW-Authenticate header; empty when asking cannot help."""

    def client_document(self, document_url: str, redirect_uri: str, app_name: str, app_url: str) -> dict[str, Any]:
        """Our client id metadata document, as it is served at ``document_url``."""
