from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from planeapp.inbox.pace import BURST, MOST, RATE, REMEMBERED, Pace

A_MOMENT = 1e-6  # what sums of many small times may differ by


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_of_ordinary_size_waits_for_nothing() -> None:
    pace = Pace(Clock())
    assert [pace.delay("a") for _ in range(BURST)] == [0.0] * BURST


def test_what_comes_beyond_the_rate_waits_its_turn() -> None:
    pace = Pace(Clock())
    waits = [pace.delay("a") for _ in range(BURST + 30)][BURST:]
    assert waits == sorted(waits)
    assert abs(waits[-1] - 30 / RATE) < 1e-6


def test_no_answer_waits_longer_than_a_sender_would() -> None:
    pace = Pace(Clock())
    assert max(pace.delay("a") for _ in range(100_000)) <= MOST


def test_one_workspaces_burst_slows_nobody_else() -> None:
    pace = Pace(Clock())
    for _ in range(10_000):
        pace.delay("loud")
    assert pace.delay("quiet") == 0.0


def test_a_sender_that_slows_down_is_answered_at_once_again() -> None:
    clock = Clock()
    pace = Pace(clock)
    for _ in range(10_000):
        pace.delay("a")
    clock.now += MOST + BURST / RATE
    assert [pace.delay("a") for _ in range(BURST)] == [0.0] * BURST


def test_workspaces_that_fell_silent_are_forgotten() -> None:
    clock = Clock()
    pace = Pace(clock)
    for number in range(REMEMBERED):
        pace.delay(f"w{number}")
    clock.now += 10
    pace.delay("new")
    assert len(pace._even) == 1


def sent(pace: Pace, clock: Clock, shares: dict[str, int], seconds: int = 3) -> dict[str, float]:
    """The longest wait of each workspace in the last of some seconds in which each sends its share, evenly."""
    for _ in range(seconds):
        longest = dict.fromkeys(shares, 0.0)
        for step in range(max(shares.values())):
            clock.now += 1 / max(shares.values())
            for lane, share in shares.items():
                if step < share:
                    longest[lane] = max(longest[lane], pace.delay(lane))
    return longest


def test_who_sends_alone_waits_only_until_that_is_known() -> None:
    clock = Clock()
    assert sent(Pace(clock), clock, {"only": 900}, seconds=6)["only"] < A_MOMENT


def test_workspaces_that_send_much_but_alike_wait_for_nothing() -> None:
    clock = Clock()
    waits = sent(Pace(clock), clock, dict.fromkeys("abcdefgh", 300), seconds=6)
    assert max(waits.values()) < A_MOMENT


def test_one_that_sends_many_times_more_than_the_others_waits() -> None:
    clock = Clock()
    waits = sent(Pace(clock), clock, {"loud": 900} | {f"quiet{number}": 2 for number in range(20)})
    assert waits.pop("loud") == MOST
    assert set(waits.values()) == {0.0}


@given(st.lists(st.floats(0.0, 0.5), max_size=200))
def test_senders_below_the_rate_never_wait(gaps: list[float]) -> None:
    clock = Clock()
    pace = Pace(clock)
    for gap in gaps:
        clock.now += max(gap, 1 / RATE)
        assert pace.delay("a") < A_MOMENT
