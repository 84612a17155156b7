"""How many calls a vendor may still be sent, counted over all workers.

Each token has one :class:`Budget`. Before a call one takes a place in the window of the last minute; the answer says when
the vendor had counted the call at the latest, and (in its own headers, read in the vendor's folder) what it has left. So
we never send more than the limit in any window of that length, and what other users of the token take is left out too.

Live work may use all of it. A sweep (:func:`sweeping`) leaves half of it while somebody is about (live work was done with
the token in the last ``BUSY_SECONDS``), else about a tenth, enough for a first answer. Who finds no room gets OutOfQuota
with the seconds until there is some; nothing was sent then. What a call was made for is told to the budget's ``tally``.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, TypeVar

from planeapp.lib.errors import OutOfQuota

T = TypeVar("T")
GUESS_SECONDS, SURE_SECONDS = 3600.0, 24 * 3600.0
SURE_CALLS = 30
"""A refusal after so many calls in one window tells the limit; one after fewer may have had another cause."""
SWEEP_RESERVE = 0.5
IDLE_RESERVE = 0.1
FIRST_ANSWER = 12
"""So many calls one answer of the bot takes at most. Kept in quiet times as well, but never more than half of the limit."""
BUSY_SECONDS = 120.0
LIVE, SWEEP, PREVIEW = "live", "sweep", "preview"
UNDER_WAY_SECONDS = 30.0
"""A call whose answer has not come yet may be counted by the vendor so much later; that of a killed worker stays so."""


@dataclass(frozen=True)
class Terms:
    """A vendor's limit until its answers tell more: calls (None: not known) in ``seconds``.

    ``spare`` calls are never used: other programs of the customer count against the same limit.
    """

    limit: int | None = None
    seconds: float = 60.0
    spare: int = 0


@dataclass(frozen=True)
class Allowance:
    """What an answer told about the limit; None where it told nothing.

    ``remaining`` of ``limit`` calls, until ``resets_in`` seconds. ``refused``: the vendor turned this call away (429) and
    wants none for ``resets_in`` seconds.
    """

    remaining: int | None = None
    limit: int | None = None
    resets_in: float | None = None
    refused: bool = False


class Reserved(OutOfQuota):
    """There is room, but it is kept for work behind which a person waits: only the sweep has to wait."""


@dataclass(frozen=True)
class Purpose:
    """What calls are made for, by the ``name`` under which they are counted.

    ``sweep``: they leave the reserve. ``wait``: called with the seconds until there is room, and true when they have
    passed. ``routine``: nobody waits for them, so no sweep has to yield because of them.
    """

    name: str = LIVE
    sweep: bool = False
    wait: Callable[[float], bool] | None = None
    routine: bool = False


_purpose: ContextVar[Purpose] = ContextVar("purpose", default=Purpose())  # noqa: B039 - frozen


def purpose() -> Purpose:
    """What calls are made for here and now."""
    return _purpose.get()


@contextmanager
def calling_for(
    name: str, *, sweep: bool = False, wait: Callable[[float], bool] | None = None, routine: bool = False
) -> Iterator[None]:
    """Calls made inside are for this; see :class:`Purpose`. The innermost counts, and nothing is taken from outer ones."""
    before = _purpose.set(Purpose(name, sweep, wait, routine))
    try:
        yield
    finally:
        _purpose.reset(before)


@contextmanager
def sweeping(wait: Callable[[float], bool] | None = None, name: str = SWEEP) -> Iterator[None]:
    """Calls made inside are a sweep's: they leave a reserve of every limit to live work."""
    with calling_for(name, sweep=True, wait=wait):
        yield


@dataclass(frozen=True)
class Window:
    """What is known of one token's limit. Pure; times in seconds since the epoch.

    ``taken``: second → calls that the vendor counts from that second at the latest. ``others``: calls that somebody else
    made with the token. ``guess_until``: how long a limit is believed that only a refusal told. ``live_at``: when live work
    last asked for a call.
    """

    taken: Mapping[int, int] = field(default_factory=dict)
    limit: int | None = None
    guess_until: float = 0.0
    others: int = 0
    others_until: float = 0.0
    shut_until: float = 0.0
    live_at: float = 0.0

    @classmethod
    def load(cls, text: str | bytes | None, terms: Terms, now: float) -> Window:
        """From its stored form, with what is over left out."""
        stored: dict[str, Any] = json.loads(text) if text else {"limit": terms.limit}
        taken = {int(second): count for second, count in stored.pop("taken", {}).items()}
        found = cls(taken={at: count for at, count in taken.items() if at + terms.seconds > now}, **stored)
        if found.others_until <= now:
            found = replace(found, others=0)
        if 0 < found.guess_until <= now:
            found = replace(found, limit=terms.limit, guess_until=0.0)
        return found

    def dump(self) -> str:
        """The stored form."""
        return json.dumps(asdict(self))

    @property
    def used(self) -> int:
        """Our own calls in the window."""
        return sum(self.taken.values())

    def delay(self, now: float, terms: Terms, *, sweep: bool) -> float:
        """Seconds until one more call has room; 0 when it has some now."""
        if self.shut_until > now:
            return self.shut_until - now
        ends = (at + terms.seconds for at in self.taken)
        moments = sorted({now, self.others_until, self.live_at + BUSY_SECONDS, *ends})
        later = (at for at in moments if at >= now and self._room(at, terms, sweep))
        return next(later, now + terms.seconds) - now

    def share(self, at: float, terms: Terms, *, sweep: bool) -> int | None:
        """How many calls of ours a window may hold then; None when no limit is known."""
        if self.limit is None:
            return None
        others = self.others if self.others_until > at else 0
        ours = max(self.limit - terms.spare - others, 0)
        return ours - self._kept(at, ours) if sweep else ours

    def _kept(self, at: float, ours: int) -> int:
        """How many of our calls a sweep leaves to live work. A single one is nobody's in quiet times, else no sweep would
        ever end."""
        if self.live_at + BUSY_SECONDS > at:
            return math.ceil(ours * SWEEP_RESERVE)
        return max(math.floor(ours * IDLE_RESERVE), min(FIRST_ANSWER, ours // 2))

    def _room(self, at: float, terms: Terms, sweep: bool) -> bool:
        share = self.share(at, terms, sweep=sweep)
        return share is None or share > sum(
            count for second, count in self.taken.items() if second + terms.seconds > at
        )

    def rate(self, now: float, terms: Terms, *, sweep: bool) -> float | None:
        """Calls a second that can be made in the long run, if all stays as it is now; None when no limit is known."""
        share = self.share(now, terms, sweep=sweep)
        return None if share is None else share / terms.seconds

    def with_call(self, second: int) -> Window:
        """One more call."""
        return replace(self, taken={**self.taken, second: self.taken.get(second, 0) + 1})

    def answered(self, ticket: int, now: float, told: Allowance, terms: Terms) -> Window:
        """The call of ``ticket`` is over: the vendor has counted it by now, and its answer told something."""
        known = self
        if known.taken.get(ticket):
            moved = {**known.taken, ticket: known.taken[ticket] - 1}
            known = replace(known, taken={at: count for at, count in moved.items() if count}).with_call(math.ceil(now))
        known = known._with_limit(told, now)
        if told.refused:
            return replace(known, shut_until=max(known.shut_until, now + (told.resets_in or terms.seconds)))
        if told.remaining is None or known.limit is None:
            return known
        others = known.limit - told.remaining - known.used
        if others < known.others:
            return known  # an answer that overtook others says less than they did
        until = now + max(told.resets_in or 0.0, terms.seconds)
        return replace(known, others=max(others, 0), others_until=until)

    def _with_limit(self, told: Allowance, now: float) -> Window:
        if told.limit is not None:
            return replace(self, limit=told.limit, guess_until=0.0)
        if told.remaining is not None and not told.refused:
            return replace(self, limit=max(self.limit or 0, told.remaining + 1), guess_until=0.0)
        if told.refused and self.limit is None:
            believed = SURE_SECONDS if self.used > SURE_CALLS else GUESS_SECONDS
            return replace(self, limit=max(self.used - 1, 1), guess_until=now + believed)
        return self


class Store(Protocol):
    """Where windows are kept for all workers."""

    def read(self, key: str) -> str | bytes | None:
        """What is kept under ``key``, to look at; None when there is nothing or the store cannot be reached."""

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """Replace what is kept under ``key`` by what ``turn`` makes of it, nobody in between; gives ``turn``'s second
        result, or None when the store cannot be reached. ``turn`` may be called more than once."""


class Tally(Protocol):
    """Counts calls that were made."""

    def __call__(self, purpose: str, *, refused: bool) -> None:
        """One more call; ``refused``: the vendor turned it away (429). Must not raise: the call is made already."""


def nobody_counts(purpose: str, *, refused: bool) -> None:
    """A tally for calls that nobody will ask about."""


class Call:
    """A call under way; ``tell`` it what the answer said."""

    def __init__(self) -> None:
        self.told = Allowance()

    def tell(self, allowance: Allowance) -> None:
        """Remember what the answer said about the limit."""
        self.told = allowance


class Budget:
    """The calls of one token."""

    def __init__(self, key: str, store: Store, terms: Terms, tally: Tally = nobody_counts) -> None:
        self.key, self.store, self.terms, self.tally = key, store, terms, tally

    @contextmanager
    def call(self) -> Iterator[Call]:
        """Around one call. Raises OutOfQuota (Reserved for a sweep that has to leave the rest) before it is made."""
        wanted = purpose()
        ticket = self._take(wanted)
        call = Call()
        try:
            yield call
        finally:
            self._answered(ticket, call.told)
            self.tally(wanted.name, refused=call.told.refused)

    def window(self) -> Window:
        """What is known of the limit now. Only looks, as do ``rate`` and ``delay``: nothing is kept for it."""
        return Window.load(self.store.read(self.key), self.terms, time.time())

    def rate(self, *, sweep: bool) -> float | None:
        """Calls a second that can be made in the long run by what is known now; None when no limit is known."""
        return self.window().rate(time.time(), self.terms, sweep=sweep)

    def delay(self, *, sweep: bool) -> float:
        """Seconds until a call would have room."""
        return self.window().delay(time.time(), self.terms, sweep=sweep)

    def _take(self, purpose: Purpose) -> int | None:
        while True:
            found = self.store.change(self.key, lambda text: self._try(text, purpose))
            if found is None:
                return None  # nobody counts just now: a person must not wait for that
            ticket, delay, shared = found
            if not delay:
                return ticket
            if purpose.wait is None or not purpose.wait(delay):
                kind = OutOfQuota if shared else Reserved
                raise kind(f"{self.key}: no call left for {delay:.0f} s", delay=delay)

    def _try(self, text: str | bytes | None, purpose: Purpose) -> tuple[str, tuple[int, float, bool]]:
        now = time.time()
        window, ticket = Window.load(text, self.terms, now), math.ceil(now + UNDER_WAY_SECONDS)
        if not purpose.sweep and not purpose.routine:
            window = replace(window, live_at=now)  # even if there is no room: from now on sweeps yield
        delay = window.delay(now, self.terms, sweep=purpose.sweep)
        if delay:
            return window.dump(), (ticket, delay, bool(window.delay(now, self.terms, sweep=False)))
        return window.with_call(ticket).dump(), (ticket, 0.0, False)

    def _answered(self, ticket: int | None, told: Allowance) -> None:
        if ticket is None and not told.refused:
            return

        def turn(text: str | bytes | None) -> tuple[str, bool]:
            now = time.time()
            return Window.load(text, self.terms, now).answered(ticket or 0, now, told, self.terms).dump(), True

        self.store.change(self.key, turn)


class Nowhere:
    """A store for calls that nobody counts: a try-out of a token that is not kept."""

    def read(self, key: str) -> str | bytes | None:
        """Nothing is kept."""
        return None

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """Keeps nothing."""
        return None


def unlimited(slot: str = "main") -> Budget:
    """A budget without a limit."""
    return Budget(slot, Nowhere(), Terms())
