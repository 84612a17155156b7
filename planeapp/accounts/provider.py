"""django-allauth's sign-in provider for Plane. The OAuth steps themselves are ours (``views.py``): install and sign-in
share one redirect URI, and tokens never reach allauth."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider


class PlaneAccount(ProviderAccount):
    """How allauth shows an account."""

    account: SocialAccount

    def to_str(self) -> str:
        """Display name, else address."""
        data = self.account.extra_data
        return str(data.get("display_name") or data.get("email") or super().to_str())


class PlaneProvider(OAuth2Provider):
    """Turns Plane's ``/users/me/`` answer into a person."""

    id = "plane"
    name = "Plane"
    account_class = PlaneAccount

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Plane's user id."""
        return str(data["id"])

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """What a new user row starts with."""
        return {
            "username": str(data["id"]),
            "email": data.get("email") or "",
            "first_name": data.get("first_name") or "",
            "last_name": data.get("last_name") or "",
        }

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """What allauth may keep: who the person is, nothing more."""
        return {name: data.get(name) for name in ("id", "email", "display_name")}


provider_classes = [PlaneProvider]
