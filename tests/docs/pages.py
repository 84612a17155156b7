"""What is written in the pages under ``docs/``."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ("operating", "backup", "upgrade", "keys", "scaling")
BLOCK = re.compile(r"^(?P<indent> *)```(?P<kind>console|sh)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)


def page(name: str) -> str:
    """A page's text."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def everything() -> str:
    """README and all pages."""
    return "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])


def commands(name: str) -> list[str]:
    """Each command of a page's ``console`` and ``sh`` blocks, as a person types it."""
    found = []
    for block in BLOCK.finditer(page(name)):
        lines = [line.strip() for line in block["text"].splitlines() if line.strip()]
        found += [line.removeprefix("$ ") for line in lines if block["kind"] == "sh" or line.startswith("$ ")]
    return found


def settings_table() -> set[str]:
    """Names in the first column of docs/settings.md."""
    rows = re.findall(r"^\| (`[^|]+`) \|", page("settings"), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
