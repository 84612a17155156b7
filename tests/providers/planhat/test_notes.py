"""Rich text for Planhat keeps what can be kept, on one line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers.planhat.notes import KEPT, for_planhat

BASE = "https://app.plane.so/acme/browse/A-1/"


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("plain\ntext", "plain text"),
        ("<h2>Why</h2><p>x <b>y</b> <i>z</i></p>", "<p><strong>Why</strong></p><p>x <strong>y</strong> <em>z</em></p>"),
        ("<div>a</div><div>b<br>c</div>", "<p>a</p><p>b</p><p>c</p>"),
        ("<pre><code>one\ntwo</code></pre>", "<p>one</p><p>two</p>"),
        ('<ul class="x"><li><p>a</p></li>\n<li></li></ul>', "<ul><li><p>a</p></li></ul>"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "<p>1 2</p>"),
        ('<a href="javascript:alert(1)">j</a>', "j"),
        ('<a href="/x">r</a>', '<a href="https://app.plane.so/x">r</a>'),
        ("<script>alert(1)</script>ok", "ok"),
        ('<p style="color:red">a</p><p></p>', "<p>a</p>"),
        ('<img src="https://x.example/a.png" alt="Chart">', '<a href="https://x.example/a.png">Chart</a>'),
        ('<image-component src="uuid"></image-component>', ""),
        ("a<hr>b", "a<hr>b"),
        ("&lt;b&gt; &amp;", "&lt;b&gt; &amp;"),
        ("", ""),
    ],
)
def test_plane_s_html_becomes_planhat_s_subset(html: str, wanted: str) -> None:
    assert for_planhat(html, BASE) == wanted


def test_relative_links_and_images_without_a_base_lose_their_address() -> None:
    assert for_planhat('<a href="/x">r</a> <img src="/y" alt="pic">') == "r pic"


TAGS = [
    "p",
    "div",
    "b",
    "em",
    "h1",
    "ul",
    "li",
    "br",
    "hr",
    "pre",
    "td",
    "tr",
    "a",
    "img",
    "span",
    "blockquote",
    "script",
]
PIECES = st.one_of(
    st.sampled_from([f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS]),
    st.sampled_from(['<a href="/x?a=1&b=2">', '<img src="https://x.example/i" alt="a<b">', "&nbsp;", "\n", "<", "&"]),
    st.text(max_size=8),
)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_html_ends_in_kept_tags_on_one_line(html: str) -> None:
    clean = for_planhat(html, BASE)
    assert set(re.findall(r"</?([a-z0-9]+)", clean)) <= KEPT
    assert "\n" not in clean and not re.search(r"<\w+ (?!href=)", clean)


@given(st.lists(PIECES, max_size=14).map("".join))
def test_cleaning_twice_changes_nothing(html: str) -> None:
    once = for_planhat(html, BASE)
    assert for_planhat(once, BASE) == once
