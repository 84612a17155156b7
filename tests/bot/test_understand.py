"""Someone writes this, the bot hears that."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.bot.commands import COMMANDS, Command, by_name, phrases
from planeapp.bot.understand import Understanding, understand

STOCKHOLM = "Europe/Stockholm"
FRIDAY = datetime(2026, 11, 20, 14, 0, tzinfo=ZoneInfo(STOCKHOLM))
WEDNESDAY = datetime(2026, 3, 25, 8, 0, tzinfo=ZoneInfo(STOCKHOLM))


def hear(text: str, now: datetime = FRIDAY, zone: str = STOCKHOLM, companies: tuple[str, ...] = ()) -> Understanding:
    return understand(text, now=now, zone=zone, companies=companies)


def args(text: str, **options: Any) -> dict[str, Any]:
    heard = hear(text, **options)
    assert len(heard.commands) == 1, heard
    return heard.commands[0].args


def test_the_data_has_the_shape_of_the_contract() -> None:
    assert hear("schedule tomorrow 10:00 for 2h").as_data() == {
        "commands": [{"name": "schedule", "args": {"start": "2026-11-21T10:00:00+01:00", "minutes": 120}}],
        "ask": None,
    }


def test_the_same_moment_is_another_day_in_another_zone() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=ZoneInfo("UTC"))
    assert args("schedule tomorrow", now=late, zone="UTC") == {"start": "2026-11-21"}
    assert args("schedule tomorrow", now=late, zone="Asia/Tokyo") == {"start": "2026-11-22"}


def test_hours_are_those_of_the_zone() -> None:
    assert args("schedule tomorrow 10", zone="America/New_York") == {"start": "2026-11-21T10:00:00-05:00"}


def test_summer_time_has_its_own_offset() -> None:
    assert args("schedule 2027-07-01 10:00") == {"start": "2027-07-01T10:00:00+02:00"}


def test_an_hour_that_the_clock_change_skips_moves_on_to_one_that_exists() -> None:
    assert args("schedule 2027-03-28 02:30") == {"start": "2027-03-28T03:30:00+02:00"}


def test_now_without_a_zone_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="aware"):
        hear("status", now=datetime(2026, 11, 20, 14, 0))


def test_a_plain_weekday_is_the_next_one_after_today() -> None:
    assert args("schedule friday") == {"start": "2026-11-27"}
    assert args("schedule friday", now=WEDNESDAY) == {"start": "2026-03-27"}


def test_next_friday_on_a_wednesday_may_be_two_days_and_is_asked() -> None:
    heard = hear("schedule next friday", now=WEDNESDAY)
    assert heard.commands == ()
    assert heard.ask == "Do you mean Friday 27 March or Friday 3 April?"


def test_next_monday_on_a_wednesday_is_clear() -> None:
    assert args("schedule next monday", now=WEDNESDAY) == {"start": "2026-03-30"}


def test_a_range_of_next_week_starts_next_week_though_thursday_comes_sooner() -> None:
    assert args("schedule thu-fri next week", now=WEDNESDAY) == {"start": "2026-04-02", "end": "2026-04-03"}


def test_this_week_starts_today() -> None:
    assert args("plan this week", now=WEDNESDAY) == {"start": "2026-03-25", "end": "2026-03-27"}


@pytest.mark.parametrize(
    "said, hour", [("1", 13), ("6", 18), ("7", 7), ("11", 11), ("12", 12), ("13", 13), ("03:00", 3)]
)
def test_bare_hours_are_working_hours(said: str, hour: int) -> None:
    assert args(f"schedule monday at {said}") == {"start": f"2026-11-23T{hour:02}:00:00+01:00"}


def test_a_time_that_has_passed_today_is_asked() -> None:
    assert hear("schedule at 10:00").ask == "10:00 on 20 November has passed. When should it start?"


def test_a_weekday_that_is_not_that_of_the_date_is_asked() -> None:
    assert hear("schedule tuesday 23 nov").ask == "23 November 2026 is a Monday. Which day do you mean?"


def test_slashes_that_could_be_either_way_are_asked() -> None:
    assert "day first or month first" in (hear("schedule 3/4").ask or "")


def test_a_passed_date_without_a_year_is_next_year_only_when_that_is_likely() -> None:
    assert args("schedule 1 jan") == {"start": "2027-01-01"}
    assert "year" in (hear("schedule 1 nov").ask or "")


def test_dates_without_a_year_cross_new_year() -> None:
    assert args("schedule 30 Dec to 2 Jan") == {"start": "2026-12-30", "end": "2027-01-02"}


def test_a_call_lies_in_the_past() -> None:
    assert args("log call +46701234567 friday 10:00")["start"] == "2026-11-13T10:00:00+01:00"


def test_a_call_later_today_is_taken_as_said() -> None:
    assert args("log call +46701234567 16:00 12m")["start"] == "2026-11-20T16:00:00+01:00"


def test_a_national_number_stays_as_written() -> None:
    assert args("log call 070-123 45 67") == {"number": "070-123 45 67"}


def test_known_companies_are_one_name_whatever_words_they_hold() -> None:
    known = ("Marks and Spencer", "Smith, Jones and Co", "Help Scout")
    assert args("link marks and spencer and Acme", companies=known) == {"companies": ["marks and spencer", "Acme"]}
    assert args("link Smith, Jones and Co", companies=known) == {"companies": ["Smith, Jones and Co"]}
    assert args("tag Help Scout gold", companies=known) == {"tag": "gold", "company": "Help Scout"}


def test_a_company_named_like_a_command_does_not_hide_the_command() -> None:
    assert [one.name for one in hear("sync", companies=("Sync",)).commands] == ["sync"]
    assert args("link Sync", companies=("Sync",)) == {"companies": ["Sync"]}


def test_an_article_belongs_to_a_name_only_when_the_name_is_written_as_one() -> None:
    assert args("link the Walt Disney Company") == {"companies": ["the Walt Disney Company"]}
    assert hear("link the walt disney company").commands == ()


def test_who_writes_and_between_names_means_the_ampersand_as_part_of_one() -> None:
    assert args("link Procter & Gamble and Acme") == {"companies": ["Procter & Gamble", "Acme"]}
    assert args("link Johnson & Johnson") == {"companies": ["Johnson & Johnson"]}
    assert hear("link Acme & Globex").commands == ()


def test_a_numbered_list_is_read_line_by_line() -> None:
    assert [one.name for one in hear("1. unschedule\n2. sync").commands] == ["unschedule", "sync"]


def test_its_means_the_company_that_was_named_just_before() -> None:
    heard = hear("tag Acme gold and set its phase to live")
    assert heard.commands[1].args == {"phase": "live", "company": "Acme"}
    assert hear("link Acme and Globex, then tag it gold").commands == ()


@pytest.mark.parametrize("front", ["Anna, ", "@anna "])
def test_what_is_asked_of_somebody_else_is_not_done(front: str) -> None:
    assert hear(f"{front}can you link Acme?").ask == "Is that for me? If so, please write only the command."
    assert hear(f"{front}any updates?").as_data() == {"commands": [], "ask": None}


def test_the_line_that_says_who_wrote_a_quoted_mail_is_not_read() -> None:
    said = "On Tue, Mar 24, 2026 Anna wrote:\n> unlink Acme\n\nsync\n--- Original Message ---\nundo"
    assert [one.name for one in hear(said).commands] == ["sync"]


def test_an_iso_moment_with_an_offset_is_that_moment() -> None:
    assert args("schedule 2026-11-24T10:00:00-05:00 1h") == {"start": "2026-11-24T16:00:00+01:00", "minutes": 60}


def test_hours_written_with_an_h_are_a_time_or_a_length_and_asked_when_they_may_be_both() -> None:
    assert args("schedule monday 15h00") == {"start": "2026-11-23T15:00:00+01:00"}
    assert args("schedule monday 1h30") == {"start": "2026-11-23", "minutes": 90}
    assert "a time or a length" in (hear("schedule monday 10h30").ask or "")


def test_typos_are_forgiven_in_verbs_and_kept_in_names() -> None:
    assert args("lnik Acmee Lnik") == {"companies": ["Acmee Lnik"]}


def test_one_unclear_part_and_nothing_is_done_at_all() -> None:
    heard = hear("link Acme and schedule it")
    assert (heard.commands, heard.ask) == ((), "When should it start?")


def test_an_unknown_word_gets_the_nearest_command() -> None:
    assert hear("untag Acme").ask == "I do not know “untag”. Do you mean: tag Acme gold? Write help to see everything."


@pytest.mark.parametrize("taken_back", ["never mind", "Forget it.", "No, wait", "Actually, monday", "Don't.", "11:00."])
def test_a_second_thought_stops_the_first(taken_back: str) -> None:
    assert hear(f"schedule tomorrow 10. {taken_back}").commands == ()


@pytest.mark.parametrize("front", ["If Acme agrees", "Once it is merged", "As soon as Jo is back"])
def test_a_condition_is_not_waited_for(front: str) -> None:
    heard = hear(f"{front}, schedule it tomorrow 10")
    assert (heard.commands, heard.ask) == ((), "I cannot wait for that. Please tell me again when it has happened.")


def test_quoted_mail_and_code_are_not_read() -> None:
    assert hear("> unlink Acme\nstatus\n```\nundo\n```").as_data()["commands"] == [{"name": "status", "args": {}}]


def test_only_the_first_4000_characters_are_read() -> None:
    assert hear("x " * 3000 + "\nundo").commands == ()


def test_a_sentence_without_end_is_not_half_done() -> None:
    heard = hear("link " + ", ".join(f"Company {number}" for number in range(99)))
    assert (heard.commands, heard.ask is None) == ((), False)


@pytest.mark.parametrize(
    "piece", ["a, ", "link a and ", " ", "please ", "'a", "thanks ", "+12 ", "sync, ", "so (as we "]
)
def test_long_nonsense_does_not_take_long(piece: str) -> None:
    began = time.perf_counter()
    hear("schedule " + piece * (4000 // len(piece)))
    assert time.perf_counter() - began < 1


def test_a_phrase_that_two_commands_listen_to_stops_the_start() -> None:
    twin = Command("twin", ("link [it]",), usage="twin", help="Twin.", example="twin", changes=False)
    with pytest.raises(ValueError, match="both listen to 'link'"):
        phrases((*COMMANDS, twin))


def test_two_commands_of_one_name_stop_the_start() -> None:
    with pytest.raises(ValueError, match="named 'help'"):
        by_name((*COMMANDS, COMMANDS[0]))


def test_a_sentence_takes_less_than_five_milliseconds() -> None:
    sentence = "Could you please link Acme and schedule it from monday 10:00 to tuesday 12:00, thanks!"
    hear(sentence)
    runs = []
    for _ in range(50):
        began = time.perf_counter()
        hear(sentence)
        runs.append(time.perf_counter() - began)
    assert sorted(runs)[len(runs) // 2] < 0.005
