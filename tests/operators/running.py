"""Running a management command as an operator does."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, standard output, the line on standard error."""

    code: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """What was printed, which must be one JSON document."""
        return json.loads(self.out)


def run(*arguments: str, stdin: str | None = None) -> Ran:
    """Run it in this process; ``stdin`` is piped in."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.StringIO(stdin or ""))
        try:
            call_command(*arguments, stdout=out, stderr=out)
        except CommandError as error:
            return Ran(error.returncode, out.getvalue(), str(error))
    return Ran(0, out.getvalue())


def refused(ran: Ran) -> str:
    """The one clear line of a command that refused."""
    assert (ran.code, ran.out) == (1, "")
    assert ran.err and "\n" not in ran.err
    return ran.err
