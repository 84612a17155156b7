"""HTML that we write into comments."""

from __future__ import annotations

import re

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.plane.mentions import mentions, text_for_bot
from planeapp.plane.writing import addressed, escape, literal, mention_html, paragraphs

ADA = "f38baf15-9533-4630-b0e0-554e3e295433"
OURS = {"p", "br", "strong", "code", "a", "ul", "ol", "li", "mention-component"}


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\n\ntwo", "<p>one</p><p>two</p>"),
        ("one\ntwo", "<p>one<br>two</p>"),
        ("**Acme** & co <b>", "<p><strong>Acme</strong> &amp; co &lt;b&gt;</p>"),
        ("- a\n- b **c**", "<ul><li><p>a</p></li><li><p>b <strong>c</strong></p></li></ul>"),
        ("Choose:\n1. a\n2. b", "<p>Choose:</p><ol><li><p>a</p></li><li><p>b</p></li></ol>"),
        ("`x < y`", "<p><code>x &lt; y</code></p>"),
        ("[x](https://x.example/?b=1&c=2)", '<p><a href="https://x.example/?b=1&amp;c=2" target="_blank">x</a></p>'),
        ("[no](javascript:alert(1))", "<p>[no](javascript:alert(1))</p>"),
        ('[no](https://x" onclick="y)', '<p>[no](https://x&quot; onclick=&quot;y)</p>'),
        (r"\**not bold\** \[x\](y)", "<p>**not bold** [x](y)</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("", "<p></p>"),
    ],
)  # fmt: skip
def test_small_markdown_becomes_html(text: str, html: str) -> None:
    assert paragraphs(text) == html


def test_the_asker_is_mentioned_in_the_first_paragraph() -> None:
    html = paragraphs("done\n\nbye", mention=ADA)
    assert mentions(html) == [ADA]
    assert text_for_bot(html, ADA) == "done\nbye"
    assert html.startswith("<p><mention-component ")


def test_the_asker_gets_a_paragraph_of_their_own_before_a_list() -> None:
    assert re.fullmatch(
        r"<p><mention-component [^>]+></mention-component></p><ul>.*</ul>", paragraphs("- a", mention=ADA)
    )


def test_a_text_can_be_addressed_afterwards() -> None:
    assert mentions(addressed(mention_html(ADA), "<p>done</p>")) == [ADA]
    assert addressed("", "<p>done</p>") == "<p>done</p>"


def test_an_id_cannot_break_out_of_the_mention() -> None:
    assert mention_html('"><script>').count("<") == 2


def test_what_plane_refuses_is_dropped() -> None:
    assert escape("a\x00b\ud83dc") == "abc"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=80))
def test_a_literal_comes_out_as_the_text_it_was(text: str) -> None:
    assert paragraphs(f"x {literal(text)} x") == f"<p>x {escape(' '.join(text.split()))} x</p>"


@given(st.text(max_size=200))
def test_planes_sanitiser_takes_nothing_from_what_we_write(text: str) -> None:
    html = paragraphs(text)
    kept = nh3.clean(html, tags=OURS, attributes={"a": {"href", "target"}}, link_rel=None)
    assert re.findall(r"<[a-z]+", kept) == re.findall(r"<[a-z]+", html)
