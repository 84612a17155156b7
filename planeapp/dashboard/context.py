"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.text import get_text_list

from planeapp.providers import PROVIDERS, provider_class


def known_provider(key: str) -> None:
    """404 for a key that is no provider."""
    if key not in PROVIDERS:
        raise Http404(f"no provider {key}")


def shown(key: str) -> dict[str, Any]:
    """What a template knows of a provider (a class would be called by the template)."""
    found = provider_class(key)
    several = found.only_place is None
    return {
        "key": key, "name": found.name, "needs_pairs": several, "place_name": found.place_name,
        "pairs": "Paired projects" if several else "Projects", "hand_webhook": found.hand_webhook is not None,
    }  # fmt: skip


def app(request: HttpRequest) -> dict[str, Any]:
    """The app's shown name, the providers that the navigation leads to, and all systems in words: "Plane, A and B"."""
    providers = [shown(key) for key in PROVIDERS]
    names = ["Plane", *(provider["name"] for provider in providers)]
    return {
        "app_name": settings.APP_NAME, "nav_providers": providers,
        "systems_and": get_text_list(names, "and"), "systems_or": get_text_list(names, "or"),
    }  # fmt: skip
