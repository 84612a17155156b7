"""Outside systems that we sync with, a folder each. A further one costs its folder and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import cast

from planeapp.lib.events import BadSignature, Event
from planeapp.providers.base import ConnectForm, EventSource, Provider, SettingsForm
from planeapp.providers.consent import ConsentFlow

PROVIDERS = {
    "planner": "planeapp.providers.planner.provider.Planner",
    "planhat": "planeapp.providers.planhat.provider.Planhat",
}


def provider_class(key: str) -> type[Provider]:
    """The class behind a key of ``PROVIDERS``; KeyError for any other key."""
    module, _, name = PROVIDERS[key].rpartition(".")
    found: type[Provider] = getattr(import_module(module), name)
    return found


def _neighbour(key: str, name: str) -> object:
    return import_module(f"{PROVIDERS[key].rpartition('.')[0].rpartition('.')[0]}.{name}")


def _neighbour_if_any(key: str, name: str) -> object | None:
    try:
        return _neighbour(key, name)
    except ModuleNotFoundError as error:
        if str(error.name).endswith(f".{name}"):
            return None
        raise


class Silent:
    """The events of a vendor without ``events.py``: it signs nothing and tells nothing, so whoever knocks is not it."""

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
        """Nobody can have signed it."""
        raise BadSignature("this vendor pushes nothing")

    def read(self, raw: bytes) -> list[Event]:
        """No event is known."""
        return []


def events_of(key: str) -> EventSource:
    """The vendor's ``events.py``, or :class:`Silent` where it has none; KeyError for an unknown key."""
    return cast(EventSource, _neighbour_if_any(key, "events") or Silent())


def consent_of(key: str) -> ConsentFlow | None:
    """The vendor's ``oauth.py``, or None where it has none; KeyError for an unknown key."""
    return cast("ConsentFlow | None", _neighbour_if_any(key, "oauth"))


def form_of(key: str) -> type[ConnectForm]:
    """What an admin fills in to connect; KeyError for an unknown key."""
    found: type[ConnectForm] = _neighbour(key, "forms").ConnectForm  # type: ignore[attr-defined]
    return found


def settings_form_of(key: str) -> type[SettingsForm] | None:
    """What an admin may set once the vendor is connected, or None where that is nothing; KeyError for an unknown key."""
    found: type[SettingsForm] | None = getattr(_neighbour(key, "forms"), "SettingsForm", None)
    return found
