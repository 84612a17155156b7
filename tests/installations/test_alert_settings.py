from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from planeapp.installations.alert_settings import quiet
from planeapp.installations.models import AlertSettings, Installation

NIGHT = ("22:00", "07:00")
DAY = ("12:00", "13:00")


@pytest.mark.parametrize(
    ("hours", "zone", "at", "expected"),
    [
        (NIGHT, "UTC", "2026-03-02T23:00", True),
        (NIGHT, "UTC", "2026-03-02T06:59", True),
        (NIGHT, "UTC", "2026-03-02T07:00", False),
        (NIGHT, "UTC", "2026-03-02T21:59", False),
        (NIGHT, "Asia/Tokyo", "2026-03-02T13:00", True),
        (DAY, "UTC", "2026-03-02T12:30", True),
        (DAY, "UTC", "2026-03-02T13:00", False),
        (DAY, "Europe/Stockholm", "2026-07-02T10:30", True),
        (("08:00", "08:00"), "UTC", "2026-03-02T08:00", False),
    ],
)
def test_quiet_hours_are_those_of_the_workspace_and_may_go_over_midnight(
    hours: tuple[str, str], zone: str, at: str, expected: bool
) -> None:
    begin, end = (time.fromisoformat(one) for one in hours)
    chosen = AlertSettings(installation=Installation(zone=zone), quiet_from=begin, quiet_until=end)
    assert quiet(chosen, datetime.fromisoformat(at).replace(tzinfo=UTC)) is expected


def test_without_quiet_hours_every_hour_will_do() -> None:
    assert not quiet(AlertSettings(installation=Installation()), datetime.now(UTC))
