"""The field for a time zone."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class LongSelect(forms.Select):
    """A select without groups that may be long: Django's renders two templates per choice, and six hundred zones cost a
    page a fifth of a second of the processor.
    """

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The same markup as Django's."""
        widget = self.get_context(name, value, attrs)["widget"]
        options = [option for _, group, _ in widget["optgroups"] for option in group]
        told = format_html_join(
            "",
            '\n  <option value="{}"{}>{}</option>\n',
            ((one["value"], flatatt(one["attrs"]), one["label"]) for one in options),
        )
        return format_html('<select name="{}"{}>{}\n</select>', widget["name"], flatatt(widget["attrs"]), told)


_known = cache(available_timezones)  # looks through hundreds of files each time


def zone_choices(*more: str) -> list[tuple[str, str]]:
    """Every zone that has a place in its name, UTC, and ``more``."""
    return [(name, name) for name in sorted({name for name in _known() if "/" in name} | {"UTC", *more})]
