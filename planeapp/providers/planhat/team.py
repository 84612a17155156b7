"""The customer's colleagues in Planhat, by id: who owns a company, and under which address.

Source: Planhat developer docs, "User". Who has left is hidden, inactive or removed there, and still has an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planeapp.providers.base import Notes
from planeapp.providers.planhat.mapping import user_name
from planeapp.providers.planhat.models import Json, record_id
from planeapp.providers.planhat.remembered import Remembered
from planeapp.providers.planhat.resources import Api, is_active

SELECT = ("email", "nickName", "firstName", "lastName", "removed", "inactive", "isHidden")


@dataclass(frozen=True)
class Colleague:
    """A user of Planhat; ``email`` is lower-case. Who is not ``active`` can own nothing new."""

    email: str
    name: str
    active: bool


class Team:
    """Everybody in the list of users, kept for a day."""

    def __init__(self, api: Api, notes: Notes) -> None:
        self._api = api
        self._users = Remembered(notes, "team", self._ask)

    def known(self, ids: Iterable[str]) -> Mapping[str, Colleague]:
        """Colleagues by id, those who left as well; empty when this token may not see users."""
        rows = self._users.known(ids)
        return {ident: Colleague(*rows[ident]) for ident in ids if ident in rows}

    def _ask(self) -> dict[str, list[object]]:
        return {record_id(user): _row(user) for user in self._api.users.all(select=SELECT).records}


def _row(user: Json) -> list[object]:
    return [str(user.get("email") or "").strip().lower(), user_name(user), is_active(user)]
