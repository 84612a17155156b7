"""Outside systems that we sync with, a folder each. A further one costs its folder and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from planeapp.providers.base import ConnectForm, EventSource, Provider
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


def events_of(key: str) -> EventSource:
    """The vendor's ``events.py``; KeyError for an unknown key."""
    return cast(EventSource, _neighbour(key, "events"))


def consent_of(key: str) -> ConsentFlow | None:
    """The vendor's ``oauth.py``, or None where it has none; KeyError for an unknown key."""
    try:
        return cast(ConsentFlow, _neighbour(key, "oauth"))
    except ModuleNotFoundError as error:
        if str(error.name).endswith(".oauth"):
            return None
        raise


def form_of(key: str) -> type[ConnectForm]:
    """What an admin fills in to connect; KeyError for an unknown key."""
    found: type[ConnectForm] = _neighbour(key, "forms").ConnectForm  # type: ignore[attr-defined]
    return found
