"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def app(request: HttpRequest) -> dict[str, Any]:
    """The app's shown name."""
    return {"app_name": settings.APP_NAME}
