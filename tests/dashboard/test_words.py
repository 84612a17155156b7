from __future__ import annotations

from datetime import timedelta

import pytest

from planeapp.dashboard.words import about, counts_in_words, label, shown_fields, value_in_words


def test_counts_name_the_side_and_leave_out_what_writes_nothing() -> None:
    told = counts_in_words({"create vendor": 2, "update plane": 1, "agree vendor": 9, "kept": 0, "failed": 1}, "Memory")
    assert told == ["2 made in Memory", "1 changed in Plane", "1 failed"]


def test_a_count_that_nobody_named_is_told_as_it_stands() -> None:
    assert counts_in_words({"sorted": 1200}, "Memory") == ["1,200 sorted"]


@pytest.mark.parametrize(("name", "stored", "said"), [
    ("title", None, "nothing"), ("start", "2026-11-23", "Mon 23 Nov 2026"),
    ("starts_at", "2026-11-23T08:00:00+00:00", "Mon 23 Nov 2026 09:00"),
    ("notes", "<p>Two <b>lines</b></p><p>here &amp; there</p>", "Two lines here & there"),
    ("labels", ["vip", "2"], "vip, 2"), ("people", [], "nothing"), ("estimate", 3, "3"),
])  # fmt: skip
def test_a_stored_value_is_told_in_words(name: str, stored: object, said: str) -> None:
    assert value_in_words(name, stored, "Europe/Stockholm") == said


def test_a_long_text_is_cut() -> None:
    assert len(value_in_words("notes", "<p>" + "word " * 500 + "</p>", "UTC")) == 300


def test_a_field_has_the_providers_word_and_one_that_it_does_not_know_its_own_name() -> None:
    assert [label("planner", name) for name in ("title", "starts_at", "done_by")] == ["Title", "From", "Done by"]
    assert label("vendor-of-old", "title") == "Title"


def test_days_that_the_times_say_already_are_left_out() -> None:
    days = {"end": "2026-11-24", "start": "2026-11-23", "title": "Belt"}
    assert shown_fields("planner", days) == ["title", "start", "end"]
    assert shown_fields("planner", days | {"starts_at": "2026-11-23T08:00:00+00:00"}) == ["title", "starts_at"]


@pytest.mark.parametrize(("left", "said"), [
    (timedelta(seconds=20), "less than a minute"), (timedelta(minutes=1), "about 1 minute"),
    (timedelta(minutes=80), "about 80 minutes"), (timedelta(minutes=100), "about 2 hours"),
    (timedelta(hours=30), "about 30 hours"), (timedelta(days=3), "about 3 days"),
])  # fmt: skip
def test_a_stretch_of_time_is_one_round_figure(left: timedelta, said: str) -> None:
    assert about(left) == said
