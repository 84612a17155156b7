from __future__ import annotations

import math
import time
from collections import deque
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from planeapp.lib.budget import (
    BUSY_SECONDS,
    FIRST_ANSWER,
    Allowance,
    Budget,
    Reserved,
    Terms,
    Window,
    calling_for,
    sweeping,
    unlimited,
)
from planeapp.lib.errors import OutOfQuota
from tests.budgets import Memory

NOW = 1_000_000.0
TEN = Terms(limit=10)


def window(**more: Any) -> Window:
    return replace(Window(limit=10), **more)


# How long to wait


@pytest.mark.parametrize(
    ("known", "sweep", "delay"),
    [
        (window(), False, 0),
        (window(taken={1_000_000: 9}), False, 0),
        (window(taken={1_000_000: 10}), False, 60),
        (window(taken={999_950: 3, 999_990: 7}), False, 10),
        (window(taken={1_000_000: 5}), True, 60),
        (window(taken={1_000_000: 4}), True, 0),
        (window(taken={999_950: 1, 999_990: 4}), True, 10),
        (window(others=7, others_until=NOW + 20, taken={1_000_000: 3}), False, 20),
        (window(others=7, others_until=NOW + 20, taken={1_000_000: 2}), False, 0),
        (window(others=12, others_until=NOW + 20), False, 20),
        (window(shut_until=NOW + 7), False, 7),
        (window(limit=None, taken={1_000_000: 500}), True, 0),
    ],
)
def test_a_call_waits_for_as_long_as_the_window_is_full(known: Window, sweep: bool, delay: float) -> None:
    assert known.delay(NOW, TEN, sweep=sweep) == delay


def test_spare_calls_are_left_to_other_programs() -> None:
    terms = Terms(limit=10, spare=4)
    assert window(taken={1_000_000: 5}).delay(NOW, terms, sweep=False) == 0
    assert window(taken={1_000_000: 6}).delay(NOW, terms, sweep=False) == 60


# What a sweep leaves


@pytest.mark.parametrize(
    ("limit", "busy", "quiet"),
    [(1, 0, 1), (2, 1, 1), (3, 1, 2), (10, 5, 5), (21, 10, 11), (60, 30, 48), (200, 100, 180), (5000, 2500, 4500)],
)
def test_a_sweep_s_share_is_half_while_somebody_is_about_and_nearly_all_when_not(
    limit: int, busy: int, quiet: int
) -> None:  # fmt: skip
    known = Window(limit=limit, live_at=NOW)
    assert known.share(NOW + BUSY_SECONDS - 1, TEN, sweep=True) == busy
    assert known.share(NOW + BUSY_SECONDS, TEN, sweep=True) == quiet


def test_what_is_spare_or_used_by_others_is_nobody_s_share() -> None:
    known = Window(limit=200, others=60, others_until=NOW + 60)
    assert known.share(NOW, Terms(spare=40), sweep=True) == 88
    assert known.share(NOW, Terms(spare=40), sweep=False) == 100


def test_a_sweep_that_yielded_goes_on_when_it_has_been_quiet_for_long_enough() -> None:
    known = window(limit=1, live_at=NOW - 100)
    assert known.delay(NOW, TEN, sweep=True) == 20


def test_a_window_that_was_stored_before_sweeps_looked_for_people_counts_as_quiet() -> None:
    assert Window.load('{"taken": {}, "limit": 60}', TEN, NOW).share(NOW, TEN, sweep=True) == 48


# How fast it may go


@pytest.mark.parametrize(
    ("known", "sweep", "rate"),
    [
        (window(limit=None), True, None),
        (window(limit=60), False, 1.0),
        (window(limit=60, taken={1_000_000: 60}), False, 1.0),
        (window(limit=600), True, 9.0),
        (window(limit=600, live_at=NOW - 1), True, 5.0),
        (window(limit=60, others=30, others_until=NOW + 60), False, 0.5),
        (window(limit=60, others=30, others_until=NOW), False, 1.0),
    ],
)
def test_the_rate_is_what_may_be_used_of_the_limit_by_the_second(
    known: Window, sweep: bool, rate: float | None
) -> None:
    assert known.rate(NOW, TEN, sweep=sweep) == rate


# What answers tell


@pytest.mark.parametrize(
    ("told", "limit", "others"),
    [
        (Allowance(), 10, 0),
        (Allowance(remaining=7), 10, 0),
        (Allowance(remaining=4), 10, 3),
        (Allowance(remaining=0), 10, 7),
        (Allowance(remaining=9), 10, 0),
        (Allowance(remaining=299), 300, 0),
        (Allowance(remaining=100, limit=200), 200, 97),
        (Allowance(limit=5), 5, 0),
    ],
)
def test_the_vendor_s_own_count_shows_its_limit_and_what_others_used(
    told: Allowance, limit: int, others: int
) -> None:  # fmt: skip
    found = window(taken={1_000_000: 3}).answered(1_000_000, NOW, told, TEN)
    assert (found.limit, found.others, found.used) == (limit, others, 3)


def test_an_answer_that_overtook_another_does_not_make_room() -> None:
    known = window(taken={1_000_000: 2}).answered(0, NOW, Allowance(remaining=1), TEN)
    later = known.answered(0, NOW, Allowance(remaining=8), TEN)
    assert (known.others, later.others) == (7, 7)


def test_what_others_used_is_forgotten_with_the_window() -> None:
    text = window(others=7, others_until=NOW + 60).dump()
    assert Window.load(text, TEN, NOW + 59).others == 7
    assert Window.load(text, TEN, NOW + 60).others == 0


def test_a_call_counts_from_its_answer_on_since_the_vendor_may_have_counted_it_as_late() -> None:
    known = window().with_call(1_000_000).answered(1_000_000, NOW + 25, Allowance(), TEN)
    assert known.taken == {1_000_025: 1}


def test_a_refusal_shuts_for_as_long_as_the_vendor_says_and_else_for_a_window() -> None:
    assert window().answered(0, NOW, Allowance(resets_in=5, refused=True), TEN).shut_until == NOW + 5
    assert window().answered(0, NOW, Allowance(refused=True), TEN).shut_until == NOW + 60


def test_a_refusal_teaches_a_limit_that_nobody_told_and_it_is_believed_for_an_hour() -> None:
    known = Window(taken={1_000_000: 8}).answered(0, NOW, Allowance(refused=True), Terms())
    assert known.limit == 7
    assert Window.load(known.dump(), Terms(), NOW + 3599).limit == 7
    assert Window.load(known.dump(), Terms(), NOW + 3600).limit is None


def test_one_that_was_refused_after_many_calls_is_believed_for_a_day() -> None:
    known = Window(taken={1_000_000: 120}).answered(0, NOW, Allowance(refused=True), Terms())
    assert (known.limit, known.guess_until) == (119, NOW + 24 * 3600)
    few = Window(taken={1_000_000: 30}).answered(0, NOW, Allowance(refused=True), Terms())
    assert few.guess_until == NOW + 3600


def test_a_window_is_stored_whole() -> None:
    known = Window({1_000_000: 2}, 9, NOW + 1, 3, NOW + 2, NOW + 3, NOW - 4)
    assert Window.load(known.dump(), TEN, NOW) == known


# Callers


def spend(budget: Budget, count: int, sweep: bool = False) -> int:
    """How many of so many calls found room."""
    done = 0
    with sweeping() if sweep else nullcontext():
        for _ in range(count):
            try:
                with budget.call():
                    done += 1
            except OutOfQuota:
                break
    return done


@pytest.fixture
def budget() -> Any:
    with time_machine.travel(NOW, tick=False) as clock:
        made = Budget("token", Memory(), TEN)
        made.clock = clock  # type: ignore[attr-defined]
        yield made


def test_a_full_window_is_told_with_the_time_until_there_is_room(budget: Budget) -> None:
    assert spend(budget, 99) == 10
    with pytest.raises(OutOfQuota) as full, budget.call():
        raise AssertionError("the call was made")
    assert (type(full.value), full.value.delay) == (OutOfQuota, 60)


def test_a_sweep_leaves_half_to_live_work_and_is_told_so(budget: Budget) -> None:
    assert spend(budget, 99, sweep=True) == 5
    with sweeping(), pytest.raises(Reserved), budget.call():
        raise AssertionError("the call was made")
    assert spend(budget, 99) == 5


def test_a_sweep_that_meets_a_full_window_is_not_told_of_a_reserve(budget: Budget) -> None:
    spend(budget, 10)
    with sweeping(), pytest.raises(OutOfQuota) as full, budget.call():
        raise AssertionError("the call was made")
    assert type(full.value) is OutOfQuota


def test_a_sweep_that_may_wait_goes_on_where_it_is(budget: Any) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        budget.clock.shift(seconds)
        return len(waited) < 3

    with sweeping(wait), pytest.raises(Reserved):
        for _ in range(99):
            with budget.call():
                pass
    assert waited == [60, 60, 60]


def test_a_sweep_in_a_quiet_time_goes_near_the_limit_and_yields_with_the_next_call_when_somebody_shows_up() -> None:
    budget = Budget("token", Memory(), Terms(limit=100))
    with time_machine.travel(NOW, tick=False) as clock:
        assert spend(budget, 60, sweep=True) == 60
        assert spend(budget, 1) == 1
        assert spend(budget, 1, sweep=True) == 0
        clock.shift(95)
        assert spend(budget, 99, sweep=True) == 50
        clock.shift(95)
        assert spend(budget, 99, sweep=True) == 88


def test_live_work_that_finds_no_room_makes_sweeps_yield_all_the_same(budget: Any) -> None:
    with budget.call() as call:
        call.tell(Allowance(resets_in=30, refused=True))
    budget.clock.shift(10)
    assert spend(budget, 1) == 0
    assert budget.window().live_at == NOW + 10


def test_routine_work_makes_no_sweep_yield_and_has_no_share_of_its_own() -> None:
    budget = Budget("token", Memory(), Terms(limit=100))
    with time_machine.travel(NOW, tick=False):
        with calling_for("feed", routine=True):
            assert spend(budget, 1) == 1
        assert spend(budget, 200, sweep=True) == 87
        with calling_for("feed", routine=True):
            assert spend(budget, 99) == FIRST_ANSWER


def test_to_look_keeps_nothing() -> None:
    store = Memory()
    budget = Budget("token", store, Terms(limit=60))
    assert (budget.rate(sweep=False), budget.delay(sweep=True), budget.window().used) == (1.0, 0, 0)
    assert store.texts == {}


def test_a_page_can_tell_how_long_a_sweep_has_to_wait(budget: Budget) -> None:
    spend(budget, 5, sweep=True)
    assert (budget.delay(sweep=True), budget.delay(sweep=False)) == (60, 0)


# What calls are made for


def test_calls_are_told_to_the_tally_by_what_they_are_for() -> None:
    told: list[tuple[str, bool]] = []
    budget = Budget("token", Memory(), Terms(limit=9), lambda name, *, refused: told.append((name, refused)))
    spend(budget, 1)
    spend(budget, 1, sweep=True)
    with sweeping(name="backfill"):
        spend(budget, 1)
        with calling_for("probe"), budget.call() as call:
            call.tell(Allowance(refused=True))
    assert told == [("live", False), ("sweep", False), ("backfill", False), ("probe", True)]


def test_a_call_that_found_no_room_is_not_told_and_one_without_an_answer_is(budget: Budget) -> None:
    told: list[str] = []
    budget.tally = lambda name, *, refused: told.append(name)
    with pytest.raises(LookupError), budget.call():
        raise LookupError
    assert (spend(budget, 99), len(told)) == (9, 10)


def test_calls_are_told_when_no_store_counts_them() -> None:
    told: list[str] = []
    budget = unlimited()
    budget.tally = lambda name, *, refused: told.append(name)
    assert (spend(budget, 3), told) == (3, ["live"] * 3)


def test_what_is_done_after_a_sweep_is_live_again(budget: Budget) -> None:
    assert (spend(budget, 9, sweep=True), spend(budget, 9)) == (5, 5)


def test_a_lost_answer_counts(budget: Budget) -> None:
    with pytest.raises(LookupError), budget.call():
        raise LookupError
    assert spend(budget, 99) == 9


def test_budgets_of_two_tokens_do_not_touch() -> None:
    store = Memory()
    one, other = Budget("one", store, TEN), Budget("other", store, TEN)
    assert (spend(one, 99), spend(other, 99)) == (10, 10)


def test_without_a_store_nobody_counts() -> None:
    assert spend(unlimited(), 500) == 500


# Any order of workers


class Vendor:
    """Counts in a sliding window, when a call arrives; ``others`` make calls of their own."""

    def __init__(self, limit: int) -> None:
        self.limit, self.arrived, self.most = limit, deque[float](), 0

    def arrive(self) -> Allowance:
        now = time.time()
        while self.arrived and self.arrived[0] <= now - 60:
            self.arrived.popleft()
        self.arrived.append(now)
        self.most = max(self.most, len(self.arrived))
        return Allowance(remaining=max(self.limit - len(self.arrived), 0), resets_in=60)


STEPS = st.lists(
    st.tuples(st.sampled_from(["live", "sweep", "arrive", "answer", "die"]), st.integers(0, 7), st.floats(0, 25)),
    max_size=120,
)


@given(limit=st.integers(1, 12), steps=STEPS)
def test_no_order_of_workers_makes_more_calls_in_a_window_than_the_limit(limit: int, steps: Any) -> None:
    vendor, terms = Vendor(limit), Terms(limit=limit)
    budget = Budget("token", Memory(), terms)
    under_way: list[Any] = []
    with time_machine.travel(NOW, tick=False) as clock:
        for what, who, seconds in steps:
            if what in ("live", "sweep"):
                _begin(budget, under_way, sweep=what == "sweep")
            elif under_way:
                call = under_way[who % len(under_way)]
                {"arrive": _arrive, "answer": _answer, "die": _die}[what](vendor, under_way, call)
            if all(time.time() + seconds <= one["begun"] + 30 for one in under_way):  # that is a request's timeout
                clock.shift(seconds)
    assert vendor.most <= limit


def _begin(budget: Budget, under_way: list[Any], sweep: bool) -> None:
    with sweeping() if sweep else nullcontext():
        around = budget.call()
        try:
            under_way.append({"around": around, "call": around.__enter__(), "arrived": False, "begun": time.time()})
        except OutOfQuota:
            return


def _arrive(vendor: Vendor, under_way: list[Any], one: Any) -> None:
    if not one["arrived"]:
        one["call"].tell(vendor.arrive())
        one["arrived"] = True


def _answer(vendor: Vendor, under_way: list[Any], one: Any) -> None:
    _arrive(vendor, under_way, one)
    under_way.remove(one)
    one["around"].__exit__(None, None, None)


def _die(vendor: Vendor, under_way: list[Any], one: Any) -> None:
    """A killed worker: its call arrives, its answer is never noted."""
    _arrive(vendor, under_way, one)
    under_way.remove(one)
    GRAVES.append(one)  # an unfinished generator that is forgotten would be closed, and so note an answer


GRAVES: list[Any] = []


@given(limit=st.integers(2, 60), sweeps=st.lists(st.integers(1, 20), max_size=8), gap=st.floats(0, 20))
def test_however_many_sweeps_ask_a_first_answer_finds_its_calls(limit: int, sweeps: list[int], gap: float) -> None:
    budget = Budget("token", Memory(), Terms(limit=limit))
    with time_machine.travel(NOW, tick=False) as clock:
        for count in sweeps:
            spend(budget, count, sweep=True)
            clock.shift(gap)
        assert spend(budget, limit) >= max(limit // 10, min(FIRST_ANSWER, limit // 2)) >= 1


@given(limit=st.integers(2, 60), steps=st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.floats(0, 30))))
def test_a_sweep_never_eats_into_what_is_kept(limit: int, steps: list[tuple[bool, int, float]]) -> None:
    budget, live_at = Budget("token", Memory(), Terms(limit=limit)), -math.inf
    with time_machine.travel(NOW, tick=False) as clock:
        for sweep, count, gap in steps:
            made = spend(budget, count, sweep)
            live_at = live_at if sweep else time.time()
            if sweep and made:
                busy = live_at + BUSY_SECONDS > time.time()
                kept = math.ceil(limit / 2) if busy else max(limit // 10, min(FIRST_ANSWER, limit // 2))
                assert budget.window().used <= limit - kept
            clock.shift(gap)


@given(limit=st.integers(2, 40), steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.floats(0, 20))))
def test_while_somebody_is_about_sweeps_alone_never_use_more_than_half(limit: int, steps: Any) -> None:
    budget, sweeps = Budget("token", Memory(), Terms(limit=limit)), deque[tuple[float, int]]()
    with time_machine.travel(NOW, tick=False) as clock:
        for live, count, gap in steps:
            spend(budget, max(live, 1))
            sweeps.append((time.time(), spend(budget, count, sweep=True)))
            recent = sum(made for at, made in sweeps if at > time.time() - 60)
            assert recent <= limit // 2
            clock.shift(gap)


@given(limit=st.integers(2, 30), real=st.integers(1, 30), others=st.integers(0, 30))
def test_a_lower_limit_and_others_calls_are_learnt_from_the_first_answer(limit: int, real: int, others: int) -> None:
    vendor, budget, made = Vendor(real), Budget("token", Memory(), Terms(limit=limit)), 0
    with time_machine.travel(NOW, tick=False):
        for _ in range(min(others, real - 1)):
            vendor.arrive()
        for _ in range(99):
            try:
                with budget.call() as call:
                    call.tell(vendor.arrive())
                    made += 1
            except OutOfQuota:
                break
    assert vendor.most <= real
