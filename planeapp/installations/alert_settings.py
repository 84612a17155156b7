"""Who is told of what, and when it is too late in the day for it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from planeapp.installations.models import ADMIN, AlertSettings, Installation


def settings_of(installation: Installation) -> AlertSettings:
    """The workspace's choice; an unsaved one with the defaults where nobody has chosen."""
    return AlertSettings.objects.filter(installation=installation).first() or AlertSettings(installation=installation)


def admins_of(installation: Installation) -> list[str]:
    """The admins' addresses, each once."""
    admins = installation.memberships.filter(role__gte=ADMIN).exclude(user__email="")
    return sorted(set(admins.values_list("user__email", flat=True)))


def addresses_of(chosen: AlertSettings) -> list[str]:
    """Who gets mail: the addresses that were chosen, or else the admins."""
    return [str(address) for address in chosen.addresses] or admins_of(chosen.installation)


def quiet(chosen: AlertSettings, now: datetime) -> bool:
    """Whether it is a quiet hour in the workspace's zone. An end before the beginning is on the next day."""
    begin, end = chosen.quiet_from, chosen.quiet_until
    if begin is None or end is None or begin == end:
        return False
    at = now.astimezone(ZoneInfo(chosen.installation.zone)).time()
    return begin <= at < end if begin < end else at >= begin or at < end


def note_fault(installation: Installation, why: str) -> None:
    """Keep why something did not get through, for the page; ``""``: it did."""
    if why:
        AlertSettings.objects.update_or_create(installation=installation, defaults={"fault": why[:300]})
    else:
        AlertSettings.objects.filter(installation=installation).exclude(fault="").update(fault="")
