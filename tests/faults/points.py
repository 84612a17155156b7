"""Named steps at which a process kills itself, group and all, as the kernel or an operator might; for tests only.

``FAULT_POINT=bot.acted:2`` lets the second pass be the last. A pass counts when the step gave something (an empty claim is
none). Production code knows nothing of this: the entries in this folder wrap its functions.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

INBOX = {
    "inbox.claimed": "planeapp.inbox.work:claim_turns",
    "inbox.handed_over": "planeapp.inbox.work:_hand_over",
    "inbox.ended_before_commit": "planeapp.inbox.work:_finish",
    "inbox.committed": "planeapp.inbox.work:work_together",
}
BOT = {
    "bot.claimed": "planeapp.bot.answering:claim",
    "bot.seen_alive": "planeapp.bot.answering:replies.sign_of_life",
    "bot.acted_before_kept": "planeapp.bot.answering:router.respond",
    "bot.acted": "planeapp.bot.answering:_keep",
    "bot.answered_before_end": "planeapp.bot.answering:replies.deliver",
    "bot.ended": "planeapp.bot.answering:_end",
    "bot.reserved": "planeapp.sync.links:Links.reserve",
    "bot.written_before_link": "planeapp.sync.apply:Applier._found_or_made",
}
SYNC = {
    "sync.claimed": "planeapp.sync.due:claim",
    "sync.reserved": "planeapp.sync.links:Links.reserve",
    "sync.written_before_link": "planeapp.sync.apply:Applier._found_or_made",
    "sync.linked": "planeapp.sync.links:Links.settle",
    "sync.linked_before_done": "planeapp.sync.due:engine.run_item_of",
    "sync.done": "planeapp.sync.due:_done",
}
WEB = {"web.stored_before_answer": "planeapp.inbox.store:_insert"}
POINTS = INBOX | BOT | SYNC | WEB


def arm() -> None:
    """Wrap the function that ``FAULT_POINT`` names, if it names one."""
    told = os.environ.get("FAULT_POINT")
    if told:
        name, _, passes = told.partition(":")
        _wrap(POINTS[name], int(passes or 1))


def _wrap(path: str, passes: int) -> None:
    module, _, inside = path.partition(":")
    *holders, name = inside.split(".")
    place: Any = import_module(module)
    for holder in holders:
        place = getattr(place, holder)
    setattr(place, name, _last_at(getattr(place, name), passes))


def _last_at(function: Callable[..., Any], passes: int) -> Callable[..., Any]:
    lock, left = threading.Lock(), [passes]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        given = function(*arguments, **named)
        if given != []:
            with lock:
                left[0] -= 1
                if left[0] == 0:
                    os.killpg(os.getpgrp(), signal.SIGKILL)
        return given

    return wrapped
