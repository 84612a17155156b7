"""What one connection may do: each model is asked for one record, nothing is written.

Permissions are per model on Planhat's private app, so a good token may be refused here and served there. Reading proves
nothing about writing; a missing right to write shows at the first write, by the model's name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.providers.base import Report, ReportLine
from planeapp.providers.planhat import answers, features, models
from planeapp.providers.planhat.mapping import user_name
from planeapp.providers.planhat.models import Model, Record
from planeapp.providers.planhat.resources import Api

NEEDED = (
    models.COMPANIES,
    models.LEAN_COMPANIES,
    models.ISSUES,
    models.ENDUSERS,
    models.USERS,
    models.CUSTOM_FIELDS,
    models.CONVERSATIONS,
    models.TASKS,
)
NO_CALL = "000000000000000000000000"
"""The id of no call: calls have no list, so one that is not there is asked for."""


def probe(api: Api, *, open_calls: bool = False) -> Report:
    """Ask for the profile and one record of each model. ReconnectNeeded for a refused token, OutOfQuota when told to
    wait, RetryLater when Planhat does not answer at all: that says nothing about the connection.

    ``open_calls``: an admin gave the tenant's UUID, so that calls can be written without a token as well.
    """
    late: list[RetryLater] = []
    profile, first = _profile(api, late)
    lines = [first, *(_tried(model.path, model.label, partial(_peek, api, model), late) for model in NEEDED)]
    lines.append(_tried(models.CALLS.path, models.CALLS.label, partial(_peek_calls, api), late))
    if len(late) == len(lines):
        raise late[0]
    readable = sorted(line.name for line in lines if line.state == "ok")
    can = features.found(frozenset(readable), open_calls=open_calls)
    return Report((*lines, *can.lines), can.abilities, {"readable": readable}, account=_account(profile))


def _profile(api: Api, late: list[RetryLater]) -> tuple[Record, ReportLine]:
    """The token's user. The call is older than today's docs, so its absence says nothing about the token."""
    found: Record = {}

    def ask() -> None:
        found.update(api.my_profile() or {})

    return found, _tried(models.PROFILE.path, models.PROFILE.label, ask, late)


def _peek(api: Api, model: Model) -> None:
    api.client.page(model, {"limit": 1})


def _peek_calls(api: Api) -> None:
    try:
        api.client.one(models.CALLS, NO_CALL)
    except Gone as problem:
        if answers.no_such_address(str(problem)):
            raise


def _tried(name: str, label: str, ask: Callable[[], None], late: list[RetryLater]) -> ReportLine:
    """The line of one question; what the vendor does not answer just now is kept in ``late`` too."""
    try:
        ask()
    except (ReconnectNeeded, OutOfQuota):
        raise
    except (FixSettings, Gone) as problem:
        return ReportLine(name, label, "failed" if problem.code == "no_permission" else "absent", _detail(problem))
    except RetryLater as problem:
        late.append(problem)
        return ReportLine(name, label, "failed", _detail(problem))
    return ReportLine(name, label, "ok")


def _detail(problem: GroundcrewError) -> str:
    """The person's text, with the vendor's words behind it."""
    return f"{problem.person} ({str(problem).partition(': ')[2]})"


def _account(profile: Record) -> str:
    email = str(profile.get("email") or "")
    name = user_name(profile)
    return f"{name} ({email})" if email and name != email else name
