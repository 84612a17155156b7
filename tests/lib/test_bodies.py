from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.lib.bodies import FREE, Bodies, Crowded, TooLarge, TooSlow

Message = dict[str, Any]


def sender(*parts: bytes, more: bool = False) -> Callable[[], Awaitable[Message]]:
    """Sends these parts; afterwards nothing more, for ever, when it promised ``more``."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if not more:
        messages[-1]["more_body"] = False

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    return receive


async def whole(bodies: Bodies, receive: Callable[[], Awaitable[Message]]) -> bytes:
    async with bodies.read(receive) as body:
        return body


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=8), st.integers(0, 200))
@settings(deadline=None)
def test_a_body_is_read_whole_up_to_the_limit_and_its_room_given_back(parts: Sequence[bytes], limit: int) -> None:
    bodies, sent = Bodies(limit), b"".join(parts)
    if len(sent) <= limit:
        assert asyncio.run(whole(bodies, sender(*parts))) == sent
    else:
        with pytest.raises(TooLarge):
            asyncio.run(whole(bodies, sender(*parts)))
    assert bodies.held == 0


def test_what_is_over_the_limit_is_refused_before_the_rest_has_come() -> None:
    with pytest.raises(TooLarge):
        asyncio.run(whole(Bodies(10), sender(b"x" * 11, more=True)))


def test_a_sender_who_stops_midway_is_given_up_after_the_deadline() -> None:
    bodies = Bodies(10, seconds=0.01)
    with pytest.raises(TooSlow):
        asyncio.run(whole(bodies, sender(b"abc", more=True)))
    assert bodies.held == 0


def test_a_sender_who_drips_is_given_up_after_the_same_deadline() -> None:
    async def drip() -> Message:
        await asyncio.sleep(0.002)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(TooSlow):
        asyncio.run(whole(Bodies(1_000_000, seconds=0.05), drip))


def test_a_sender_who_goes_away_leaves_no_body() -> None:
    bodies, told = Bodies(10), [{"type": "http.disconnect"}, {"type": "http.request", "body": b"{}", "more_body": True}]

    async def receive() -> Message:
        return told.pop()

    with pytest.raises(TooSlow):
        asyncio.run(whole(bodies, receive))
    assert bodies.held == 0


def test_room_is_held_until_the_reader_is_done_with_the_body() -> None:
    async def both() -> None:
        bodies = Bodies(FREE * 4, room=FREE)
        async with bodies.read(sender(b"x" * FREE * 2)):
            with pytest.raises(Crowded):
                await whole(bodies, sender(b"y" * (FREE + 1)))
        assert len(await whole(bodies, sender(b"y" * (FREE + 1)))) == FREE + 1

    asyncio.run(both())


def test_room_is_given_back_when_the_reader_breaks() -> None:
    async def broken() -> None:
        async with bodies.read(sender(b"x" * (FREE + 5))):
            raise LookupError

    bodies = Bodies(FREE * 2)
    with pytest.raises(LookupError):
        asyncio.run(broken())
    assert bodies.held == 0


def test_large_bodies_that_fill_the_room_do_not_keep_small_ones_out() -> None:
    async def both() -> bytes:
        bodies = Bodies(FREE * 4, room=FREE)
        async with bodies.read(sender(b"x" * FREE * 2)):
            return await whole(bodies, sender(b"y" * FREE))

    assert len(asyncio.run(both())) == FREE


def test_many_parts_of_one_body_take_no_more_room_than_the_body() -> None:
    async def held() -> int:
        bodies = Bodies(FREE * 4)
        async with bodies.read(sender(*[b"x" * 1000] * 100)):
            return bodies.held

    assert asyncio.run(held()) == 100_000 - FREE
