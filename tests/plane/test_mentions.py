"""Who is mentioned, and what a comment says to the bot."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.plane.mentions import is_mentioned, mention_html, mentions, new_mention, text_for_bot
from tests.plane.conftest import captured

BOT = "c05dee0f-8235-48d9-b338-0f4a1be063d3"
ADA = "f38baf15-9533-4630-b0e0-554e3e295433"
AT_BOT = f'<mention-component id="1" entity_identifier="{BOT}" entity_name="user_mention"></mention-component>'
AT_ADA = f'<mention-component entity_name="user_mention" id="2" entity_identifier="{ADA}"></mention-component>'


@pytest.mark.parametrize(
    "mention",
    [
        AT_BOT,
        f"<mention-component entity_name='user_mention' entity_identifier='{BOT}' id='x'></mention-component>",
        f'<MENTION-COMPONENT ENTITY_NAME="user_mention" ENTITY_IDENTIFIER="{BOT.upper()}"></MENTION-COMPONENT>',
        f'<mention-component entity_identifier="{BOT}"\n  entity_name="user_mention" data-x=">">',
        f'<mention-component entity_identifier="{BOT}" entity_name="user_mention" />',
        f"<mention-component entity_identifier={BOT}></mention-component>",
    ],
)
def test_a_mention_is_found_however_it_is_written(mention: str) -> None:
    html = f"<p>Hey {mention} please sync</p>"
    assert is_mentioned(html, BOT)
    assert text_for_bot(html, BOT) == "Hey please sync"


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{BOT}</p>",
        f'<p>&lt;mention-component entity_identifier="{BOT}"&gt;</p>',
        f'<mention-component id="1" entity_identifier="{BOT}" entity_name="issue_mention"></mention-component>',
        f"<blockquote><p>{AT_BOT} sync</p></blockquote>",
        f"<blockquote><blockquote>{AT_BOT}</blockquote> deeper</blockquote><p>no</p>",
        f"<pre><code>{AT_BOT} sync</code></pre>",
        f"<p>On Monday Ada wrote:<br>&gt; {AT_BOT} sync</p>",
        f"<!-- {AT_BOT} -->",
        f'<p title=\'{AT_BOT}\'>hello</p>',
        "",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mention_is_none(html: str) -> None:
    assert not is_mentioned(html, BOT)


def test_mentions_come_in_order_with_repetitions() -> None:
    assert mentions(f"<p>{AT_ADA}{AT_BOT}</p><p>{AT_ADA}</p>") == [ADA, BOT, ADA]


def test_an_empty_bot_id_is_never_mentioned() -> None:
    assert not is_mentioned(f"<p>{AT_BOT}</p>", "")
    assert not new_mention(f"<p>{AT_BOT}</p>", None, "")


def test_captured_mentions_are_heard() -> None:
    body = json.loads(captured("030")["body_raw"])
    assert is_mentioned(body["data"]["comment_html"], BOT)
    assert text_for_bot(body["data"]["comment_html"], BOT) == "what is the health score of this customer?"


def test_an_edit_around_an_old_mention_is_no_new_mention() -> None:
    body = json.loads(captured("031")["body_raw"])
    assert not new_mention(body["activity"]["new_value"], body["activity"]["old_value"], BOT)


def test_a_mention_added_by_an_edit_is_new() -> None:
    assert new_mention(f"<p>{AT_BOT} status</p>", "<p>status</p>", BOT)
    assert new_mention(f"<p>{AT_BOT} a</p><p>{AT_BOT} b</p>", f"<p>{AT_BOT} a</p>", BOT)
    assert new_mention(f"<p>{AT_BOT}</p>", None, BOT)


def test_blocks_become_lines_and_other_people_stay_named() -> None:
    html = f"<p>{AT_BOT} link Acme</p><ul><li><p>tell {AT_ADA}, too</p></li></ul><p>and<br>help</p>"
    assert text_for_bot(html, BOT) == f"link Acme\ntell @{ADA} , too\nand\nhelp"


def test_quoted_text_is_not_said_to_the_bot() -> None:
    html = (
        f"<p>{AT_BOT} status</p><blockquote><p>schedule <b>now</b></p><blockquote>deeper</blockquote></blockquote>"
        "<pre><code>unlink Acme</code></pre><p>On 3 May 2026, Milo wrote:</p><p>&gt; undo</p><p>&gt;&gt; undo</p>"
        "<p>thanks</p>"
    )
    assert text_for_bot(html, BOT) == "status\nthanks"


def test_spaces_of_every_kind_become_one() -> None:
    assert text_for_bot(f"<p>\u200b{AT_BOT}\xa0\n  move&nbsp; to\tfriday \ufeff</p>", BOT) == "move to friday"


def test_words_around_a_mention_do_not_grow_together() -> None:
    assert text_for_bot(f"<p>ask{AT_BOT}now</p>", BOT) == "ask now"


def test_a_very_deep_comment_is_read_without_trouble() -> None:
    html = "<div>" * 5_000 + AT_BOT + " status"
    assert is_mentioned(html, BOT)
    assert text_for_bot(html, BOT) == "status"


def test_a_huge_comment_takes_no_long_time() -> None:
    html = f"<p>{AT_BOT} status</p>" + "<div>" * 1_000_000
    began = time.monotonic()
    assert text_for_bot(html, BOT) == "status"
    assert time.monotonic() - began < 5


def test_our_own_mention_is_understood_and_has_a_fresh_id() -> None:
    one, two = mention_html(ADA), mention_html(ADA)
    assert one != two
    assert mentions(f"<p>{one}</p>") == [ADA]
    assert mention_html("") == ""


@given(st.text(max_size=300))
def test_any_text_can_be_read(html: str) -> None:
    assert isinstance(text_for_bot(html, BOT), str)
    assert is_mentioned(html, BOT) == (BOT in mentions(html))
