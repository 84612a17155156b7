"""OAuth states: made when a browser leaves for the consent page, spent once when it comes back."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from planeapp.installations.models import OAuthState
from planeapp.lib.errors import Refused

LIFETIME = timedelta(minutes=10)
LONGEST_PAGE = 500
BROWSER_KEY = "browser"
USED = "used_state"
AGAIN = "Please start again from the settings page or from Plane's marketplace."


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _browser(request: HttpRequest) -> str:
    """A random name for this browser, kept in its session."""
    if BROWSER_KEY not in request.session:
        request.session[BROWSER_KEY] = secrets.token_urlsafe(24)
    return str(request.session[BROWSER_KEY])


@dataclass(frozen=True)
class Begun:
    """A fresh attempt: ``state`` for the address, ``challenge`` (S256) for PKCE."""

    state: str
    challenge: str
    row: OAuthState


def begin(request: HttpRequest, purpose: str, issuer: str, next_page: str = "") -> Begun:
    """Remember an attempt of this browser. A ``next_page`` that is not local, or cannot be kept, is dropped."""
    fits = len(next_page) <= LONGEST_PAGE and next_page.isprintable()
    local = fits and url_has_allowed_host_and_scheme(next_page, allowed_hosts=None)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    row = OAuthState.objects.create(
        state_hash=_hash(state),
        browser_hash=_hash(_browser(request)),
        purpose=purpose,
        issuer=issuer,
        verifier=verifier,
        next_page=next_page if local else "",
        expires_at=timezone.now() + LIFETIME,
    )
    return Begun(state, _challenge(verifier), row)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def spend(request: HttpRequest, state: str) -> OAuthState:
    """Use up an attempt, or raise Refused with the reason in ``code``. Two callers at once: one gets it."""
    found = OAuthState.objects.filter(state_hash=_hash(state)).first()
    if found is None:
        raise Refused("unknown state", person=f"We did not start this. {AGAIN}", code="unknown_state")
    if found.used_at is not None:
        raise _used()  # before the session is looked at: it may have ended with the sign-in that used it
    if found.browser_hash != _hash(_browser(request)):
        raise Refused(
            "state of another browser", person=f"This was started in another browser. {AGAIN}", code="other_browser"
        )
    if found.expires_at < timezone.now():
        raise Refused("expired state", person=f"This took longer than ten minutes. {AGAIN}", code="expired_state")
    if not OAuthState.objects.filter(pk=found.pk, used_at=None).update(used_at=timezone.now()):
        raise _used()
    return found


def _used() -> Refused:
    return Refused("state used before", person=f"This link was used before. {AGAIN}", code=USED)


def forget_old() -> int:
    """Delete attempts that ended more than a day ago; gives their number."""
    return OAuthState.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()[0]
