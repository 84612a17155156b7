"""The one place that hands out a token that is valid now, and refreshes it when it is not.

One refresh at a time per credential over all processes: the right to refresh is a lease on the row, taken with a single
UPDATE and given back with the new token in the same statement's transaction. No database lock is held while the vendor is
asked, so a slow vendor blocks nobody. A holder that dies loses its lease after ``LEASE_SECONDS``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from planeapp.installations.models import Connection, Credential
from planeapp.installations.refusals import refused as write_down
from planeapp.lib.errors import FixSettings, ReconnectNeeded, RetryLater
from planeapp.providers.consent import OAuthGrant


class GrantLike(Protocol):
    """What every token endpoint gives: Plane's grants and the providers'."""

    @property
    def access(self) -> str:
        """The access token."""

    @property
    def refresh(self) -> str | None:
        """The refresh token, None when none came."""

    @property
    def expires_in(self) -> int:
        """Seconds, 0 when nobody knows."""

    @property
    def scopes(self) -> frozenset[str]:
        """What was granted."""


LEEWAY_SECONDS = 300.0
JITTER_SECONDS = 120.0
LEASE_SECONDS = 90.0  # longer than the longest that the HTTP client waits for an answer
POLL_SECONDS = 0.05

Asker = Callable[[Credential], GrantLike]


def valid_token(credential: Credential, ask: Asker | None, *, refused: str = "") -> str:
    """An access token that is good now.

    ``ask`` gets the vendor's new grant for a credential; None for secrets that cannot be refreshed. ``refused`` is a token
    that was just answered 401. Raises ReconnectNeeded (a person must connect again) or RetryLater.
    """
    deadline = time.monotonic() + LEASE_SECONDS
    while True:
        if credential.state == Credential.State.RECONNECT:
            raise ReconnectNeeded(f"{credential!r}: {credential.failure}")
        if _good(credential, refused):
            return str(credential.access)
        if ask is None:
            raise _refuse(credential, "the vendor refuses the stored token")
        if _claim(credential):
            return _refresh(credential, ask)
        if _still_valid(credential, refused):
            return str(credential.access)  # another worker is at it; the old token will do until then
        if time.monotonic() > deadline:
            raise RetryLater(f"{credential!r}: another worker is still refreshing it", delay=5)
        time.sleep(POLL_SECONDS)
        credential.refresh_from_db()


def _good(credential: Credential, refused: str) -> bool:
    if not credential.access or credential.access == refused:
        return False
    leeway = LEEWAY_SECONDS + random.uniform(0, JITTER_SECONDS)  # noqa: S311 - spreads refreshes, guards nothing
    return credential.fresh_until(timezone.now(), leeway)


def _still_valid(credential: Credential, refused: str) -> bool:
    return bool(credential.access) and credential.access != refused and credential.fresh_until(timezone.now(), 5)


def _claim(credential: Credential) -> bool:
    """Take the lease, if nobody holds it and the row is still as we read it; the row is read again."""
    now = timezone.now()
    free = Q(refresh_claimed_at=None) | Q(refresh_claimed_at__lt=now - timedelta(seconds=LEASE_SECONDS))
    taken = (
        Credential.objects.filter(free, pk=credential.pk, refreshed_at=credential.refreshed_at)
        .exclude(state=Credential.State.RECONNECT)
        .update(refresh_claimed_at=now, state=Credential.State.REFRESHING)
    )
    if taken:
        credential.refresh_claimed_at, credential.state = now, Credential.State.REFRESHING
    else:
        credential.refresh_from_db()
    return bool(taken)


def _refresh(credential: Credential, ask: Asker) -> str:
    try:
        grant = ask(credential)
    except ReconnectNeeded as error:
        raise _refuse(credential, str(error)) from error
    except BaseException:
        Credential.objects.filter(pk=credential.pk, refresh_claimed_at=credential.refresh_claimed_at).update(
            refresh_claimed_at=None, state=Credential.State.ACTIVE
        )
        raise
    store_grant(credential, grant)
    return grant.access


def store_new_grant(credential: Credential, grant: GrantLike) -> None:
    """Save the grant of a new consent: nothing of an earlier one stays, which may be another client's."""
    credential.refresh = credential.keep = credential.scopes = ""
    store_grant(credential, grant)


def store_grant(credential: Credential, grant: GrantLike) -> None:
    """Save a refreshed grant; the old refresh token stays when none came. Ends any lease."""
    now = timezone.now()
    credential.access = grant.access
    credential.refresh = grant.refresh or credential.refresh
    credential.keep = getattr(grant, "keep", "") or credential.keep
    credential.expires_at = now + timedelta(seconds=grant.expires_in) if grant.expires_in else None
    credential.scopes = " ".join(sorted(grant.scopes)) or credential.scopes
    credential.state, credential.failure = Credential.State.ACTIVE, ""
    credential.refresh_claimed_at, credential.refreshed_at = None, now
    credential.save()


def _refuse(credential: Credential, why: str) -> ReconnectNeeded | RetryLater:
    """Write down that only a person can mend this, on the credential and on what it belongs to; gives the error.

    A refusal that comes late, when the row holds newer tokens already, says nothing about those: RetryLater.
    """
    as_read = Credential.objects.filter(pk=credential.pk, updated_at=credential.updated_at)
    with transaction.atomic():
        credential.state, credential.failure = Credential.State.RECONNECT, why[:300]
        credential.refresh_claimed_at = None
        found = {"state": credential.state, "failure": credential.failure, "refresh_claimed_at": None}
        if not as_read.update(**found, updated_at=timezone.now()):
            return RetryLater(f"{credential!r}: renewed by another worker meanwhile", delay=1)
        write_down(credential, why)
    return ReconnectNeeded(f"{credential!r}: {why}")


def connection_secret(connection: Connection, slot: str) -> Credential:
    """The credential in a slot of a connection; FixSettings when there is none."""
    found = connection.credentials.filter(slot=slot).first()
    if found is None:
        raise FixSettings(
            f"{connection} has no credential {slot!r}", person="This connection lacks a token. Connect it again."
        )
    return found


def grant_of(credential: Credential) -> OAuthGrant:
    """A stored grant as the vendor's module takes it."""
    return OAuthGrant(
        str(credential.access), str(credential.refresh) or None, 0, frozenset(credential.scopes.split()),
        keep=str(credential.keep),
    )  # fmt: skip
