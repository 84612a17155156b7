"""OAuth rows: what a person agreed to (grants), the codes and tokens that stand for it, and their turning over.

A refresh token is good for one use; using it again, after the grace that the settings give, ends the whole grant
(RFC 9700, "Refresh Token Protection").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planner.settings import setting
from planeapp.sandbox.store import Doc, Store

CODE_SECONDS = 300


class OAuthError(Exception):
    """An answer of RFC 6749 §5.2: an error code, a sentence, a status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class Grants:
    """Issues, turns over and revokes. Rows: "codes", "grants", "access_tokens", "refresh_tokens"."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock = store, clock

    def code(self, consent: Doc, subject: str) -> str:
        """A single-use code for what the person agreed to."""
        code = secrets.token_urlsafe(24)
        row = {**consent, "id": code, "subject": subject, "expires_at": self.clock.time() + CODE_SECONDS, "grant": None}
        self.store.put("codes", code, row)
        return code

    def redeem(self, client_id: str, form: Doc) -> Doc:
        """The token answer for a code. Raises OAuthError; a code used twice ends what came of its first use."""
        row = self.store.get("codes", form.get("code", ""))
        if row is None or row["client_id"] != client_id:
            raise OAuthError("invalid_grant", "This code is not known.")
        if row["grant"]:
            self.revoke(row["grant"])
            raise OAuthError("invalid_grant", "This code was used before.")
        if row["expires_at"] <= self.clock.time():
            raise OAuthError("invalid_grant", "This code is too old; authorize again.")
        if form.get("redirect_uri") != row["redirect_uri"]:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the authorization request.")
        if not hmac.compare_digest(_challenge(form.get("code_verifier", "")), row["code_challenge"]):
            raise OAuthError("invalid_grant", "code_verifier does not match the code_challenge.")
        if form.get("resource", row["resource"]) != row["resource"]:
            raise OAuthError("invalid_target", "resource is not the one of the authorization request.")
        grant = {name: row[name] for name in ("client_id", "subject", "resource", "scopes")}
        grant |= {"id": f"grant_{secrets.token_hex(8)}", "created_at": self.clock.now().isoformat(timespec="seconds")}
        self.store.put("grants", grant["id"], grant)
        self.store.put("codes", row["id"], {**row, "grant": grant["id"]})
        return self._issue(grant, grant["scopes"])

    def refresh(self, client_id: str, form: Doc) -> Doc:
        """New tokens for a refresh token, which is spent by this. Raises OAuthError."""
        row = self.store.get("refresh_tokens", form.get("refresh_token", ""))
        grant = self.store.get("grants", row["grant"]) if row else None
        if row is None or grant is None or grant["client_id"] != client_id:
            raise OAuthError("invalid_grant", "This refresh token is not known or was revoked.")
        if row["used"] and row["used"] + float(setting(self.store, "oauth", "grace_seconds")) <= self.clock.time():
            self.revoke(grant["id"])
            raise OAuthError("invalid_grant", "This refresh token was used before; the access is withdrawn.")
        if row["expires_at"] <= self.clock.time():
            raise OAuthError("invalid_grant", "This refresh token is too old; authorize again.")
        if form.get("resource", grant["resource"]) != grant["resource"]:
            raise OAuthError("invalid_target", "resource is not the one that was authorized.")
        scopes = form["scope"].split() if form.get("scope") else grant["scopes"]
        if not set(scopes) <= set(grant["scopes"]):
            raise OAuthError("invalid_scope", "More scopes than were authorized.")
        self.store.put("refresh_tokens", row["id"], {**row, "used": row["used"] or self.clock.time()})
        return self._issue(grant, scopes)

    def forget(self, client_id: str, token: str) -> None:
        """End the grant that a token of this client belongs to; nothing happens for other tokens (RFC 7009)."""
        row = self.store.get("access_tokens", token) or self.store.get("refresh_tokens", token)
        grant = self.store.get("grants", row["grant"]) if row else None
        if grant is not None and grant["client_id"] == client_id:
            self.revoke(grant["id"])

    def revoke(self, grant_id: str) -> None:
        """End a grant: none of its tokens works from now on."""
        self.store.delete("grants", grant_id)
        for kind in ("access_tokens", "refresh_tokens"):
            for row in self.store.find(kind, grant=grant_id):
                self.store.delete(kind, row["id"])

    def _issue(self, grant: Doc, scopes: list[str]) -> Doc:
        now, answer = self.clock.time(), {"token_type": "Bearer", "scope": " ".join(scopes)}
        for kind, prefix in (("access", "plr_oat_"), ("refresh", "plr_ort_")):
            token = prefix + secrets.token_urlsafe(32)
            expires = now + float(setting(self.store, "oauth", f"{kind}_seconds"))
            row = {"id": token, "grant": grant["id"], "scopes": scopes, "expires_at": expires, "used": 0}
            self.store.put(f"{kind}_tokens", token, row)
            answer[f"{kind}_token"] = token
        return {**answer, "expires_in": int(setting(self.store, "oauth", "access_seconds"))}


def _challenge(verifier: str) -> str:
    """RFC 7636 §4.2, method S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
