from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.bot.times import Span, moved, timed
from planeapp.lib.errors import AskPerson

ZONE = "Europe/Stockholm"
STOCKHOLM = ZoneInfo(ZONE)
DAYS = Span(date(2026, 11, 23), date(2026, 11, 25))
TIMES = timed(datetime(2026, 11, 23, 10, tzinfo=STOCKHOLM), datetime(2026, 11, 23, 12, tzinfo=STOCKHOLM))


@pytest.mark.parametrize(("old", "args", "words"), [
    (DAYS, {"start": "2026-11-27"}, "Fri 27 Nov 2026 to Sun 29 Nov 2026 (whole days)"),
    (DAYS, {"shift_days": -1}, "Sun 22 Nov 2026 to Tue 24 Nov 2026 (whole days)"),
    (DAYS, {"shift_minutes": 2 * 1440}, "Wed 25 Nov 2026 to Fri 27 Nov 2026 (whole days)"),
    (DAYS, {"extend_minutes": 1440}, "Mon 23 Nov 2026 to Thu 26 Nov 2026 (whole days)"),
    (DAYS, {"start": "2026-11-27T09:00:00+01:00"}, "Fri 27 Nov 2026 09:00 to 10:00 (Europe/Stockholm)"),
    (TIMES, {"start": "2026-11-27"}, "Fri 27 Nov 2026 10:00 to 12:00 (Europe/Stockholm)"),
    (TIMES, {"start": "2026-11-27T14:00:00+01:00"}, "Fri 27 Nov 2026 14:00 to 16:00 (Europe/Stockholm)"),
    (TIMES, {"shift_days": 2}, "Wed 25 Nov 2026 10:00 to 12:00 (Europe/Stockholm)"),
    (TIMES, {"shift_minutes": 90}, "Mon 23 Nov 2026 11:30 to 13:30 (Europe/Stockholm)"),
    (TIMES, {"extend_minutes": 60}, "Mon 23 Nov 2026 10:00 to 13:00 (Europe/Stockholm)"),
    (TIMES, {"extend_minutes": -60}, "Mon 23 Nov 2026 10:00 to 11:00 (Europe/Stockholm)"),
])  # fmt: skip
def test_a_move_keeps_the_length_and_a_day_alone_the_time_of_day(old: Span, args: dict[str, Any], words: str) -> None:
    assert moved(old, args, ZONE).told() == words


@pytest.mark.parametrize(("old", "args"), [
    (DAYS, {"shift_minutes": 90}), (DAYS, {"extend_minutes": 60}), (DAYS, {"extend_minutes": -3 * 1440}),
    (TIMES, {"extend_minutes": -120}),
])  # fmt: skip
def test_what_cannot_be_is_said_and_not_guessed(old: Span, args: dict[str, Any]) -> None:
    with pytest.raises(AskPerson):
        moved(old, args, ZONE)


def test_ten_in_the_morning_stays_ten_when_the_clocks_change_between() -> None:
    old = timed(datetime(2027, 3, 26, 10, tzinfo=STOCKHOLM), datetime(2027, 3, 26, 11, tzinfo=STOCKHOLM))
    assert moved(old, {"shift_days": 3}, ZONE).told() == "Mon 29 Mar 2027 10:00 to 11:00 (Europe/Stockholm)"


spans = st.builds(
    lambda start, hours: timed(start, (start.astimezone(UTC) + timedelta(hours=hours)).astimezone(STOCKHOLM)),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(STOCKHOLM), allow_imaginary=False),
    st.integers(1, 60),
)


@settings(max_examples=60)
@given(span=spans, minutes=st.integers(-5000, 5000))
def test_a_shift_back_and_forth_ends_where_it_began_and_the_data_keeps_it(span: Span, minutes: int) -> None:
    back = moved(moved(span, {"shift_minutes": minutes}, ZONE), {"shift_minutes": -minutes}, ZONE)
    assert back == span == Span.from_data(span.as_data(), ZONE)
