"""Text as it is compared: names are written by people, who differ in letter case, width and blanks."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """Text for comparison: letter case, width, accents' spelling and blanks at the edges make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
