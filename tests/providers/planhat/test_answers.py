"""The vendor's message is found in any body and shown short and clean."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers.planhat.answers import WORDS, parsed, retry_after, words


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "No such document"}, "No such document"),
        ({"error": {"message": "deep"}}, "deep"),
        ({"message": "", "errors": ["one", {"message": "two"}, "three", "four"]}, "one; two; three"),
        ("<html><style>b{}</style><body><pre>Failed to create company</pre></body></html>", "Failed to create company"),
        ("a bare\n string", "a bare string"),
        ({"unknown": 1}, ""),
        (None, ""),
        (5, "5"),
    ],
)
def test_the_message_is_found_whatever_the_body_looks_like(body: Any, text: str) -> None:
    assert words(body) == text


def test_a_long_message_is_cut_and_a_secret_taken_out() -> None:
    assert words("token abc-secret was wrong", "abc-secret") == "token … was wrong"
    assert len(words("x" * 5000)) == WORDS and words("x" * 5000).endswith("…")


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["message", "error", "errors"]), inner),
    max_leaves=10,
)


@given(JSON)
def test_no_body_breaks_the_reading_of_its_message(body: Any) -> None:
    assert len(words(body)) <= WORDS


@pytest.mark.parametrize(
    ("content", "value"), [(b"", None), (b" \n", None), (b"[1]", [1]), (b"OK", "OK"), (b"null", None)]
)
def test_a_body_is_json_or_text_or_nothing(content: bytes, value: Any) -> None:
    assert parsed(httpx2.Response(200, content=content)) == value


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("999999", 3600.0), ("0", None), ("soon", None), ("²", None)]
)
def test_a_retry_after_counts_when_it_is_a_number_of_seconds(header: str, seconds: float | None) -> None:
    response = httpx2.Response(429, headers=[(b"Retry-After", header.encode())])
    assert retry_after(response) == seconds
