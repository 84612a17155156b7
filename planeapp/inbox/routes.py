"""Which handler an event goes to, the way ``urls.py`` names views.

A handler gets ``(installation, connection or None, event)``, writes rows only, and gives ``""`` when it took the event or
the reason why there was nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable

from planeapp.bot import hearing
from planeapp.installations.models import Connection, Installation
from planeapp.lib.events import Event
from planeapp.sync import handlers as sync

Handler = Callable[[Installation, Connection | None, Event], str]

ROUTES: dict[str, Handler] = {
    "item.changed": sync.item_changed,
    "item.deleted": sync.item_changed,
    "remote.changed": sync.remote_changed,
    "remote.deleted": sync.remote_changed,
    "comment.written": hearing.comment_written,
    "run.created": hearing.run_created,
    "run.prompted": hearing.run_prompted,
}
