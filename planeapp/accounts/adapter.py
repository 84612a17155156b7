"""What allauth may and may not do here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest

from planeapp.accounts.models import User
from planeapp.installations.limits import client_address


class AccountAdapter(DefaultAccountAdapter):
    """allauth counts and notes the address that we do."""

    def get_client_ip(self, request: HttpRequest) -> str:
        """The caller's address; allauth's own reading fails on a list that is shorter than the trusted proxies."""
        return client_address(request)


class Adapter(DefaultSocialAccountAdapter):
    """New people are signed up by their first sign-in; their name follows Plane."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Anybody whom Plane vouches for."""
        return True

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Take the person's id as user name: the one thing that never changes."""
        user: User = super().populate_user(request, sociallogin, data)
        user.username = str(sociallogin.account.uid)
        user.plane_id = sociallogin.account.uid
        user.display_name = sociallogin.account.extra_data.get("display_name") or ""
        return user
