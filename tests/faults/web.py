"""A real web process with nothing beside it but its database."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.faults.memory import peak_megabytes
from tests.faults.spawning import spawn
from tests.faults.tables import rows
from tests.faults.wire import Heard, Line, head, post
from tests.harness import START_SECONDS, Stack, listens, until

ANYTHING = head(path="/webhooks/", method="GET")


class Web(Stack):
    """The web process. ``BODY_SECONDS`` and the like may be given."""

    def begin(self, **environment: str) -> Web:
        """Make the tables anew and start."""
        self.renew()
        return self.again(**environment)

    def again(self, **environment: str) -> Web:
        """Start, and wait until it answers: it listens for a moment before it does."""
        spawn(self, "web", **environment)
        until(lambda: listens(self.app) and self.ask(ANYTHING).status, START_SECONDS, self.app)
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.app).port or 0

    def line(self) -> Line:
        """A connection to it."""
        return Line(self.port)

    def ask(self, *parts: bytes) -> Heard:
        """Send a request over a connection of its own; gives the answer."""
        with self.line() as line:
            return line.send(*parts).hear()

    def push(self, raw: bytes) -> int:
        """Deliver as Plane does; gives the status."""
        return self.ask(post(raw, self.webhook_secret)).status

    def stored(self) -> list[bytes]:
        """Bodies of all deliveries, in their order."""
        return [bytes(row[0]) for row in rows(self, "SELECT body FROM inbox_delivery ORDER BY id")]

    def peak(self) -> float:
        """Megabytes that it has ever held."""
        return peak_megabytes(self.running["web"].pid)
