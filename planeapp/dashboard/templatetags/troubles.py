"""What needs a person in a workspace, for parts that stand on many pages."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from planeapp.installations import alerts
from planeapp.installations.models import Alert, Installation

register = template.Library()


@register.simple_tag
def troubles_of(installation: Installation) -> Sequence[Alert]:
    """Open alerts that nobody has put aside. That the app was taken out stands on top of every page already."""
    return list(alerts.open_in(installation).filter(seen_at=None).exclude(kind=Alert.Kind.UNINSTALLED))
