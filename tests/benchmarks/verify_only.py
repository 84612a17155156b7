"""The control of ``ingest``: the very door of the product, which verifies and reads and then writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import planeapp.wsgi  # noqa: F401 - loads Django's settings
from planeapp.inbox.asgi import Doors


async def _nothing(function: Callable[..., Any], *arguments: Any) -> None:
    """Where the product stores."""


application = Doors(_nothing)
