"""What Plane does to HTML."""

from __future__ import annotations

import pytest

from planeapp.sandbox.plane import html
from planeapp.sandbox.plane.errors import ApiError

MENTION = '<mention-component id="m" entity_identifier="u" entity_name="user_mention"></mention-component>'


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("<p>New text</p>", "<p>New text</p>"),
        ("<p>a</p><ul><li>b</li></ul>", "<div><p>a</p><ul><li>b</li></ul></div>"),
        ("just text & <b>bold", "<span>just text &amp; <b>bold</b></span>"),
        ("just text", "<p>just text</p>"),
        ("<p onclick='x()'>hi<script>alert(1)</script></p>", "<p>hi</p>"),
        ("<a href='javascript:alert(1)'>a</a>", '<a rel="noopener noreferrer">a</a>'),
        (f"<p>{MENTION}</p>", f"<p>{MENTION}</p>"),
        ("<p>x</p><!-- hidden mark -->", "<p>x</p>"),
        ("<p data-id='1' data-secret='2'>x</p>", '<p data-id="1">x</p>'),
    ],
)
def test_a_description_is_cleaned_and_wrapped_and_then_stays(sent: str, stored: str) -> None:
    assert html.clean_description(sent) == stored
    assert html.clean_description(stored) == stored


@pytest.mark.parametrize("sent", ["", "   ", "<!-- only this -->"])
def test_a_description_with_nothing_in_it_is_refused(sent: str) -> None:
    with pytest.raises(ApiError) as refusal:
        html.clean_description(sent)
    assert (refusal.value.status, refusal.value.body) == (400, {"non_field_errors": ["Invalid HTML passed"]})


def test_stripping_joins_blocks_and_loses_mentions() -> None:
    assert html.stripped(f"<p>Hi {MENTION} please /sync</p><p>second</p>") == "Hi  please /syncsecond"


def test_only_mentions_of_users_count() -> None:
    other = MENTION.replace("user_mention", "issue_mention").replace('"u"', '"i"')
    assert html.mentioned(f"<p>{MENTION}{other}{MENTION}</p>") == ["u"]


def test_markdown_of_a_bot_becomes_html_and_its_html_becomes_text() -> None:
    told = html.from_markdown("**Done** <img src=x>\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<strong>Done</strong> &lt;img" in told and "<td>1</td>" in told


def test_a_page_shows_mentions_as_chips_with_escaped_names() -> None:
    assert html.shown(f"<p>{MENTION}!</p>", lambda key: f"<{key}>") == '<p><b class="mention">@&lt;u&gt;</b>!</p>'
