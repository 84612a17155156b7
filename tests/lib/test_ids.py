from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.lib.ids import time_ordered

MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2900, 1, 1), timezones=st.just(UTC))


def made_at(moment: datetime) -> uuid.UUID:
    with time_machine.travel(moment, tick=False):
        return time_ordered()


@given(MOMENTS)
@settings(deadline=None)
def test_an_id_is_a_version_seven_uuid_that_tells_its_millisecond(moment: datetime) -> None:
    made = made_at(moment)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert abs((made.int >> 80) - whole) <= 1


@given(st.lists(MOMENTS, min_size=2, max_size=20, unique_by=lambda moment: int(moment.timestamp())))
@settings(deadline=None)
def test_ids_stand_in_the_order_of_time_as_numbers_texts_and_bytes(moments: Sequence[datetime]) -> None:
    made = [made_at(moment) for moment in sorted(moments)]
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert [one.bytes for one in made] == sorted(one.bytes for one in made)


def test_no_two_ids_of_one_millisecond_are_equal() -> None:
    with time_machine.travel(datetime(2026, 11, 21, tzinfo=UTC), tick=False):
        assert len({time_ordered() for _ in range(20_000)}) == 20_000


def test_ids_made_one_after_the_other_stand_in_that_order() -> None:
    made = [time_ordered() for _ in range(5_000)]
    assert made == sorted(made)


def test_ids_of_one_standing_moment_stand_in_the_order_in_which_they_were_made() -> None:
    with time_machine.travel(datetime(2026, 11, 21, tzinfo=UTC), tick=False):
        made = [time_ordered() for _ in range(1_000)]
    assert made == sorted(made)
