"""Numbers as people read them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def thousands(number: int | None) -> str:
    """98,001 for 98001; ``""`` for None."""
    return "" if number is None else f"{number:,}"
