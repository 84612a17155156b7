"""What holds for any text, whoever writes it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.bot.commands import BY_NAME, PHRASES
from planeapp.bot.understand import Understanding, understand
from tests.bot.test_understand_corpus import NOW, ZONE, sentences

SAID = [sentence.text for sentence in sentences(nothing=False) if sentence.want != ["ask"]]
WORDS = sorted(
    {word for text in SAID for word in text.split()} | {word for phrase in PHRASES for word in phrase.split()}
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from([ZONE, "UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"])
SALADS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
VERBS = {phrase.split()[0] for phrase in PHRASES}
# One command each, said without manners in front.
DIRECT = [text for text in SAID if text.split()[0] in VERBS and len(understand(text, now=NOW, zone=ZONE).commands) == 1]
FORBIDDING = ("don't ", "Please do not ", "never ", "you should not ", "there is no need to ", "Could you please not ")
REPORTING = ("Jo will ", "We decided to ", "I think they want to ", "The team should ", "they told us to ", "I can ")
FRONTS = (
    "please ",
    "Could you please ",
    "hey, can you ",
    "Would you ",
    "Hi! ",
    "ok, ",
    "@bot ",
    "I'd like you to ",
    "  ",
)
BACKS = (" please", ", please!", ", thanks", " Thank you!", " :)", " if possible", "  ", "!", " for me, thx")


def hear(text: str, now: datetime = NOW, zone: str = ZONE) -> Understanding:
    return understand(text, now=now, zone=zone)


def names(heard: Understanding) -> list[str]:
    return [command.name for command in heard.commands]


def when(value: str) -> datetime | date:
    return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)


def ends_in_order(args: dict[str, Any]) -> bool:
    start, end = when(args["start"]), when(args.get("end", args["start"]))
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start.astimezone(UTC) <= end.astimezone(UTC)
    return type(start) is type(end) and start <= end


@settings(max_examples=400, deadline=None)
@given(text=st.text(max_size=200) | SALADS, now=MOMENTS, zone=ZONES)
def test_any_text_gives_commands_of_the_table_or_one_question_and_never_raises(
    text: str, now: datetime, zone: str
) -> None:
    heard = hear(text, now, zone)
    assert set(names(heard)) <= set(BY_NAME)
    assert heard.ask is None or (heard.ask and not heard.commands)


@settings(max_examples=400, deadline=None)
@given(
    words=SALADS,
    verb=st.sampled_from(["schedule ", "block ", "plan ", "log call +46701234567 "]),
    now=MOMENTS,
    zone=ZONES,
)
def test_no_end_lies_before_its_start(words: str, verb: str, now: datetime, zone: str) -> None:
    started = [one.args for one in hear(verb + words, now, zone).commands if "start" in one.args]
    assert all(ends_in_order(args) for args in started)
    assert all(args.get("minutes", 1) > 0 for args in started)


@settings(max_examples=200, deadline=None)
@given(words=SALADS, now=MOMENTS, zone=ZONES)
def test_nothing_is_scheduled_into_the_past(words: str, now: datetime, zone: str) -> None:
    local = now.astimezone(ZoneInfo(zone))
    for one in hear(f"schedule {words}", now, zone).commands:
        if one.name in ("schedule", "move") and "start" in one.args:
            start = when(one.args["start"])
            day = start.date() if isinstance(start, datetime) else start
            assert day >= local.date()


@settings(max_examples=300, deadline=None)
@given(text=st.sampled_from(SAID), front=st.sampled_from(FRONTS), back=st.sampled_from(BACKS))
def test_manners_change_nothing(text: str, front: str, back: str) -> None:
    assert hear(front + text + back).as_data()["commands"] == hear(text).as_data()["commands"]


@settings(max_examples=300, deadline=None)
@given(text=st.sampled_from(SAID))
def test_upper_and_lower_case_call_the_same_commands(text: str) -> None:
    assert names(hear(text.upper())) == names(hear(text.lower())) == names(hear(text))


@settings(max_examples=200, deadline=None)
@given(text=st.sampled_from(DIRECT), front=st.sampled_from(FORBIDDING))
def test_what_is_forbidden_is_not_done(text: str, front: str) -> None:
    assert hear(front + text).commands == ()


@settings(max_examples=200, deadline=None)
@given(text=st.sampled_from(DIRECT), front=st.sampled_from(REPORTING))
def test_what_is_reported_is_not_done(text: str, front: str) -> None:
    assert hear(front + text).commands == ()
