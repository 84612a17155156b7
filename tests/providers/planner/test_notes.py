from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.providers.planner import notes

lines = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<ul><li>a</li><li>b <b>c</b></li></ul>", "- a\n\n- b c"),
        ("<p>1 &lt; 2 &amp; 3</p>", "1 < 2 & 3"),
        ('<p>see <a href="https://x.se/a">this</a></p>', "see this (https://x.se/a)"),
        ("<p>a<br>b</p>", "a\nb"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_html_becomes_readable_text(html: str, text: str) -> None:
    assert notes.to_text(html) == text


def test_text_becomes_harmless_html() -> None:
    assert notes.to_html("a <script>\n\nb") == "<p>a &lt;script&gt;</p><p>b</p>"


@settings(deadline=None)
@given(st.lists(lines, max_size=5))
def test_text_survives_the_way_through_html(parts: list[str]) -> None:
    assert notes.to_text(notes.to_html("\n".join(parts))).split() == "\n".join(parts).split()


@settings(deadline=None)
@given(text=st.lists(lines, max_size=3).map("\n".join), mark=st.from_regex(r"[a-z]+:[a-z0-9/-]{1,40}", fullmatch=True))
def test_the_mark_is_found_in_the_last_line_and_taken_off_again(text: str, mark: str) -> None:
    line = notes.ref_line(mark, "CUST-1", "https://x.se/CUST-1")
    assert notes.split_ref(f"{text}\n\n{line}") == (text.strip(), notes.Ref(mark, "CUST-1", "https://x.se/CUST-1"))


def test_notes_of_others_carry_no_mark() -> None:
    assert notes.split_ref("Plane lands\nat ten") == ("Plane lands\nat ten", notes.Ref())


@settings(deadline=None)
@given(st.text(min_size=1))
def test_the_mark_survives_in_an_address(mark: str) -> None:
    assert notes.split_url(notes.url_with_mark("https://x.se/a?b=c#old", mark)) == ("https://x.se/a?b=c", mark)


def test_another_fragment_stays_as_it_is() -> None:
    assert notes.split_url("https://x.se/a#top") == ("https://x.se/a#top", "")
