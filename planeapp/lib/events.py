"""What a delivery means, in our own words. Each source's ``events.py`` makes these from its raw bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class BadSignature(Exception):
    """The delivery is not signed by a secret that we know: answer 401 and store nothing."""


@dataclass(frozen=True)
class Event:
    """One thing that happened in an outside system; a hint, never the truth.

    - ``kind``: one of ``item.changed``, ``item.deleted``, ``comment.written``, ``run.prompted``, ``run.created``,
      ``project.changed``, ``remote.changed`` (a vendor's row), ``remote.deleted``,
      ``company.changed``, ``company.deleted``, ``other``
    - ``id``: equal for two deliveries of the same happening, different otherwise (stable over retries)
    - ``subject``: id of the work item (or vendor's row) that the work is about; orders and folds deliveries
    - ``actor``: id of who did it, ``""`` when the source does not tell
    - ``repeats_within``: seconds within which the same ``id`` means the same happening; None: for ever
    - ``data``: what the handler needs beyond that, in our words
    """

    kind: str
    id: str
    subject: str = ""
    workspace: str = ""
    project: str = ""
    actor: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    repeats_within: float | None = None
