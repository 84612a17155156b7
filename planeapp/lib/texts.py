"""Texts from outside, made fit for a database."""

from __future__ import annotations


def storable(text: str, length: int) -> str:
    """At most ``length`` characters, without what no database takes: NUL and half characters."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:length]
