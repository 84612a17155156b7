"""What axe has to say about a page: violations of WCAG 2.2 AA that are serious or critical."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE = ("serious", "critical")
EVERYTHING = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}


def grave(page: Page) -> list[str]:
    """Each violation with the first elements that it is about; everything in the light theme, the colours in both."""
    page.emulate_media(color_scheme="light")
    found = _told(page, EVERYTHING)
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {one}" for one in _told(page, COLOURS)]


def _told(page: Page, options: dict[str, object]) -> list[str]:
    violations = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {', '.join(node['html'][:160] for node in one['nodes'][:3])}"
        for one in violations
        if one["impact"] in GRAVE
    ]
