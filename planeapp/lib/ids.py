"""Row ids that grow with time, so that a busy table's index is written at its end only."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

SET_BACK = 1000 << 12  # a second: so far ahead of the clock the ids of a busy moment may run
_lock = threading.Lock()
_last = 0


def time_ordered() -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, 12 bits within the millisecond, then randomness.

    Ids that one process makes one after the other stand in that order, also within a millisecond.
    """
    moment = _moment()
    bits = (moment >> 12) << 80 | 0x7 << 76 | (moment & 0xFFF) << 64 | 0x2 << 62 | secrets.randbits(62)
    return uuid.UUID(int=bits)


def _moment() -> int:
    """Milliseconds and their 4096th parts, 60 bits in all; more than the one before, unless the clock was set back."""
    global _last
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    moment = (milliseconds & 0xFFFF_FFFF_FFFF) << 12 | rest * 4096 // 1_000_000
    with _lock:
        _last = _last + 1 if 0 <= _last - moment < SET_BACK else moment
        return _last
