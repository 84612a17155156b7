"""A form of a page, filled in as a browser would send it."""

from __future__ import annotations

from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

Filled = dict[str, Any]


def page_of(answer: Any) -> LexborHTMLParser:
    """An answer's page."""
    return LexborHTMLParser(answer.content.decode())


def filled(answer: Any, action: str) -> Filled:
    """What the form of a page with this address would send if nothing was touched; lists where a name comes twice."""
    form = page_of(answer).css_first(f'main form[action="{action}"]')
    assert form is not None, f"no form leads to {action}"
    found: Filled = {}
    for node in form.css("input, select, textarea"):
        name = node.attributes.get("name")
        if name and name != "csrfmiddlewaretoken":
            found.setdefault(name, []).extend(_values(node))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items() if values}


def _values(node: LexborNode) -> list[str]:
    if node.tag == "textarea":
        return [node.text().removeprefix("\n")]
    if node.tag == "select":
        chosen = node.css_first("option[selected]") or node.css_first("option")
        return [str(chosen.attributes["value"])] if chosen else []
    if node.attributes.get("type") in ("checkbox", "radio") and "checked" not in node.attributes:
        return []
    return [str(node.attributes.get("value") or ("on" if node.attributes.get("type") == "checkbox" else ""))]


def error_of(answer: Any, name: str) -> str:
    """The error at a field, reached as a screen reader does: from the field (or its fieldset) by aria-describedby."""
    page = page_of(answer)
    field = page.css_first(f'[name="{name}"]')
    assert field is not None
    group = field
    while group.parent is not None and not group.attributes.get("aria-describedby"):
        group = group.parent
    ids = str(group.attributes.get("aria-describedby") or "").split()
    told = [page.css_first(f"#{one}") for one in ids if one.endswith("_error")]
    return " ".join(" ".join(node.text().split()) for node in told if node is not None)
