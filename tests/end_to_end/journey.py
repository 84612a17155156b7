"""The steps of a newcomer, taken over HTTP with plain forms, as a browser without script would."""

from __future__ import annotations

from typing import Any

import httpx2
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.harness import Stack, until

PLANNER_TOKEN = "plr_pat_pat_sandbox.secret"
PLANHAT_TOKEN = "sandbox-planhat-token"


def form_of(page: httpx2.Response, selector: str) -> tuple[str, dict[str, Any]]:
    """Action and present values of a form on a page."""
    form = LexborHTMLParser(page.text).css_first(selector)
    assert form is not None, f"no {selector} on {page.url}: {page.status_code} {page.text[:2000]}"
    action = str(page.url.join(form.attributes.get("action") or str(page.url)))
    return action, _values(form)


def _values(form: LexborNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in form.css("input, textarea, select"):
        name, kind = field.attributes.get("name"), field.attributes.get("type", "")
        if not name or kind in ("submit", "button", "file"):
            continue
        if kind in ("checkbox", "radio"):
            if "checked" in field.attributes:
                before = values.get(name, [])  # a hidden "false" may stand beside a checkbox
                before = before if isinstance(before, list) else [before]
                values[name] = [*before, field.attributes.get("value") or "on"]
            continue
        if field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            values[name] = chosen.attributes.get("value", chosen.text()) or "" if chosen is not None else ""
        else:
            values[name] = field.attributes.get("value") or (field.text() if field.tag == "textarea" else "")
    return values


class Newcomer:
    """Ada, with a browser."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.web = stack.client()

    def submit(self, page: httpx2.Response, selector: str, **changed: Any) -> httpx2.Response:
        """Fill in and send a form of a page."""
        action, values = form_of(page, selector)
        return self.web.post(action, data=values | changed, headers={"Referer": str(page.url), "Origin": _origin(page)})

    def leave(self, page: httpx2.Response) -> httpx2.Response:
        """Follow the link of the page that says where one is about to go."""
        link = LexborHTMLParser(page.text).css_first("a.button--main[rel=noreferrer]")
        assert link is not None, page.text
        return self.web.get(str(link.attributes["href"]))

    def install(self) -> httpx2.Response:
        """Setup URL → consent → approve → back on our overview."""
        consent = self.web.get(f"{self.stack.app}/setup/")
        assert consent.status_code == 200, consent.text
        return self.submit(consent, "form:has(#approve)", decision="approve")

    def connect(self, provider: str, token: str) -> httpx2.Response:
        """Fill in the connect form."""
        page = self.web.get(f"{self.stack.app}/w/sandbox/connect/{provider}/")
        return self.submit(page, "form:has([name=token])", token=token)

    def pair(self, project: str = "Customer work", place: str = "Ramp operations") -> httpx2.Response:
        """Pair two projects by name."""
        page = self.web.get(f"{self.stack.app}/w/sandbox/pairs/planner/")
        tree = LexborHTMLParser(page.text)
        chosen = {name: _option(tree, name, text) for name, text in (("project", project), ("place", place))}
        return self.submit(page, "form:has([name=place])", **chosen)

    def settle(self) -> None:
        """Everything up to a working product."""
        self.install()
        self.connect("planner", PLANNER_TOKEN)
        self.connect("planhat", PLANHAT_TOKEN)
        self.pair()

    # In the sandbox Plane

    def item_page(self, key: str) -> httpx2.Response:
        """The tracker's page of a work item."""
        return self.web.get(f"{self.stack.plane}/sandbox/browse/{key}/")

    def bot_id(self, key: str = "CUST-1") -> str:
        """The bot's user id, as the mention menu knows it."""
        page = self.item_page(key)
        for option in LexborHTMLParser(page.text).css(".mention-option:has(.badge)"):
            return option.attributes["data-id"] or ""
        raise AssertionError("the bot is not in the mention menu")

    def comment(self, key: str, text: str, mention: str = "") -> httpx2.Response:
        """Write a comment with the form for browsers without script."""
        address = f"{self.stack.plane}/sandbox/browse/{key}/comments/"
        return self.web.post(address, data={"text": text, "mention": mention})

    def ask(self, key: str, text: str) -> str:
        """Write to the bot and wait for its answer; gives the answer's text."""
        before = len(self.answers(key))
        self.comment(key, text, self.bot_id(key))
        return until(lambda: self.answers(key)[before:], 15, f"an answer to {text!r}")[0]

    def answers(self, key: str) -> list[str]:
        """Texts of the bot's comments, oldest first."""
        page = self.web.get(f"{self.stack.plane}/sandbox/browse/{key}/comments/")
        found = LexborHTMLParser(page.text).css(".comment.by-bot .words")
        return [node.text(separator=" ", strip=True) for node in found]

    def set_fields(self, key: str, **fields: str) -> httpx2.Response:
        """Change fields on the item's page."""
        page = self.submit(self.item_page(key), "form#item-form", **fields)
        assert page.status_code == 200, page.text
        return page

    def new_item(self, name: str, project: str = "Customer work") -> str:
        """Make a work item in the tracker; gives its key."""
        listing = self.web.get(f"{self.stack.plane}/sandbox/")
        links = LexborHTMLParser(listing.text).css("a")
        href = next(
            a.attributes["href"] for a in links if project in a.text() and "issues" in str(a.attributes["href"])
        )
        made = self.submit(self.web.get(str(listing.url.join(str(href)))), "form#new-item", name=name)
        shown = LexborHTMLParser(made.text)
        for link in shown.css("a[href*='/browse/']"):
            row = link.parent.parent if link.parent is not None else None
            if name in link.text() or (row is not None and name in row.text()):
                return str(link.attributes["href"]).rstrip("/").rpartition("/")[2]
        assert "/browse/" in str(made.url), made.text
        return str(made.url.path).rstrip("/").rpartition("/")[2]

    def item(self, key: str) -> dict[str, Any]:
        """The work item as the page's form shows it."""
        return form_of(self.item_page(key), "form#item-form")[1]

    # In the sandbox vendors

    def blocks(self, title: str, day: str = "") -> list[dict[str, Any]]:
        """Blocks of that title in the month of ``day`` (default: today), with ``data-id``, ``data-start``, ``data-end``."""
        page = self.web.get(
            f"{self.stack.planner}/", params={"view": "month", "date": day} if day else {"view": "month"}
        )
        found = {node.attributes["data-id"]: dict(node.attributes) for node in LexborHTMLParser(page.text).css(
            ".block[data-id]") if title in node.text()}  # fmt: skip
        return list(found.values())

    def move_block(self, block_id: str, **fields: str) -> httpx2.Response:
        """Change a block on its page in Planner."""
        return self.submit(self.web.get(f"{self.stack.planner}/blocks/{block_id}/"), "form.block-form", **fields)

    def planhat(self, path: str) -> Any:
        """Ask Planhat's API."""
        headers = {"Authorization": f"Bearer {PLANHAT_TOKEN}"}
        return httpx2.get(f"{self.stack.planhat}{path}", headers=headers, trust_env=False).json()


def _option(tree: LexborHTMLParser, name: str, text: str) -> str:
    for option in tree.css(f"[name={name}] option"):
        if text in option.text():
            return option.attributes.get("value") or ""
    raise AssertionError(f"no {text!r} to choose for {name}")


def _origin(page: httpx2.Response) -> str:
    return f"{page.url.scheme}://{page.url.netloc.decode()}"
