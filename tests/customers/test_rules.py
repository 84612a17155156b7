from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from planeapp.customers.models import Company, CompanyChange, CompanyRule
from planeapp.customers.rule_steps import MOST_ITEMS, Tied
from planeapp.customers.rules import PLACEHOLDERS, RuleSpec, as_data, fires, spec_of, steps
from planeapp.lib.folding import folded
from planeapp.sync.options import faults

PROJECT = "0b0e1d1c-53b9-4b1e-9d3f-0a4f5b6c7d8e"
TODAY = date(2026, 11, 23)
few = settings(max_examples=30, deadline=None)
figures = st.none() | st.floats(-10, 10, allow_nan=False)
words = st.text(min_size=1, max_size=8).filter(lambda text: bool(folded(text)))
tags = st.lists(st.sampled_from(["gold", "Gold", "vip", "new"]), max_size=3)


def spec(when: dict[str, Any], *then: dict[str, Any], only: list[dict[str, Any]] | None = None) -> RuleSpec:
    actions = list(then) or [{"do": "comment", "text": "Hello"}]
    return RuleSpec.model_validate({"name": "A rule", "when": when, "only": only or [], "then": actions})


def company(name: str = "Acme", url: str = "", **values: Any) -> Company:
    return Company(name=name, url=url, values=values)


def fired(when: dict[str, Any], before: Any, after: Any, only: list[dict[str, Any]] | None = None) -> bool:
    field = when.get("field", "created")
    change = CompanyChange(field=field, before=before, after=after)
    return fires(spec(when, only=only), company(**{field: after}), change, today=TODAY)


def refusal(when: dict[str, Any] | None = None, then: dict[str, Any] | None = None) -> str:
    rule = {"name": "A rule", "when": when or {"test": "created"}, "then": [then or {"do": "label", "label": "vip"}]}
    with pytest.raises(ValidationError) as error:
        RuleSpec.model_validate(rule)
    return " ".join(faults(error.value))


@pytest.mark.parametrize(
    ("when", "before", "after", "expected"),
    [
        ({"test": "becomes", "field": "phase", "value": "Onboarding"}, "Trial", "onBOARDING ", True),
        ({"test": "becomes", "field": "phase", "value": "Onboarding"}, "ONBOARDING", "onboarding", False),
        ({"test": "becomes", "field": "phase", "value": "Onboarding"}, None, "Onboarding", True),
        ({"test": "becomes", "field": "health", "value": "4"}, 3.0, 4.0, True),
        ({"test": "becomes", "field": "custom:VIP", "value": True}, None, True, True),
        ({"test": "becomes", "field": "custom:VIP", "value": "yes"}, True, False, False),
        ({"test": "leaves", "field": "owner", "value": "Jo@x.test"}, "jo@x.test", "al@x.test", True),
        ({"test": "leaves", "field": "owner", "value": "Jo@x.test"}, "al@x.test", None, False),
        ({"test": "changes", "field": "renewal"}, None, "2027-01-01", True),
        ({"test": "below", "field": "health", "value": 4}, 4.0, 3.9, True),
        ({"test": "below", "field": "health", "value": 4}, 3.9, 3.0, False),
        ({"test": "below", "field": "health", "value": 4}, None, 3.0, True),
        ({"test": "below", "field": "health", "value": 4}, 5.0, None, False),
        ({"test": "above", "field": "revenue", "value": "1000.5"}, 1000.5, 1001, True),
        ({"test": "gains", "field": "tags", "value": "GOLD"}, ["vip"], ["gold", "vip"], True),
        ({"test": "gains", "field": "tags", "value": "gold"}, ["gold"], ["gold", "vip"], False),
        ({"test": "loses", "field": "tags", "value": "gold"}, ["gold"], [], True),
        ({"test": "becomes", "field": "custom:Plans", "value": "b"}, ["a"], ["a", "B"], True),
        ({"test": "within", "value": 30}, None, "2026-12-23", True),
        ({"test": "within", "value": 30}, None, "2026-12-24", False),
        ({"test": "within", "value": 30}, None, "2026-11-22", False),
        ({"test": "created"}, None, "Acme", True),
    ],
)
def test_a_rule_fires_for_the_change_that_it_waits_for(when: Any, before: Any, after: Any, expected: bool) -> None:
    when = {"field": "renewal", **when} if when["test"] == "within" else when
    assert fired(when, before, after) is expected


def test_a_rule_does_not_fire_for_another_field() -> None:
    when = {"test": "becomes", "field": "phase", "value": "Won"}
    change = CompanyChange(field="status", before=None, after="Won")
    assert not fires(spec(when), company(status="Won"), change)


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ({"test": "is", "field": "status", "value": "customer"}, {"status": "Customer"}, True),
        ({"test": "is", "field": "status", "value": "customer"}, {}, False),
        ({"test": "is_not", "field": "status", "value": "customer"}, {}, True),
        ({"test": "above", "field": "revenue", "value": 10}, {"revenue": 11}, True),
        ({"test": "below", "field": "revenue", "value": 10}, {"revenue": None}, False),
        ({"test": "has", "field": "tags", "value": "Gold"}, {"tags": ["gold"]}, True),
        ({"test": "has_not", "field": "tags", "value": "Gold"}, {"tags": ["gold"]}, False),
    ],
)
def test_all_conditions_have_to_hold(condition: Any, values: Any, expected: bool) -> None:
    rule = spec({"test": "changes", "field": "phase"}, only=[condition])
    change = CompanyChange(field="phase", before="A", after="B")
    assert fires(rule, company(phase="B", **values), change) is expected


@few
@given(before=figures, after=figures, limit=st.floats(-10, 10, allow_nan=False))
def test_a_figure_fires_on_crossing_the_limit_only(before: Any, after: Any, limit: float) -> None:
    crossed = (before is None or before >= limit) and after is not None and after < limit
    assert fired({"test": "below", "field": "health", "value": limit}, before, after) == crossed
    if before is not None and after is not None:
        assert not fired({"test": "below", "field": "health", "value": limit}, after, after)
        mirrored = fired({"test": "above", "field": "health", "value": -limit}, -before, -after)
        assert mirrored == crossed


@few
@given(word=words, other=words)
def test_letter_case_makes_no_difference(word: str, other: str) -> None:
    when = {"test": "becomes", "field": "phase", "value": word}
    same = folded(word) == folded(other)
    assert not fired(when, word, word.upper()) or folded(word) != folded(word.upper())
    assert same or not fired(when, other, other.swapcase()) or folded(other) != folded(other.swapcase())
    assert fired(when, None, word)


@few
@given(before=tags, after=tags)
def test_a_tag_is_gained_or_lost_never_both(before: list[str], after: list[str]) -> None:
    had, has = (any(tag.lower() == "gold" for tag in some) for some in (before, after))
    assert fired({"test": "gains", "field": "tags", "value": "gold"}, before, after) == (has and not had)
    assert fired({"test": "loses", "field": "tags", "value": "gold"}, before, after) == (had and not has)


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"test": "becomes", "field": "phaze", "value": "x"}, "when.field: there is no field phaze"),
        ({"test": "becomes", "field": "phase"}, "when.value: say what becomes means here"),
        ({"test": "below", "field": "phase", "value": 3}, "below cannot be asked of phase"),
        ({"test": "gains", "field": "health", "value": "x"}, "gains cannot be asked of health"),
        ({"test": "below", "field": "health", "value": "four"}, "give a number"),
        ({"test": "within", "value": 1.5}, "give whole days"),
        ({"test": "within", "field": "phase", "value": 3}, "within is about renewal alone"),
        ({"test": "changes", "field": "custom:"}, "name the field"),
        ({"test": "created", "wehn": 1}, "when.wehn: there is no such setting"),
    ],
)
def test_a_test_that_cannot_be_is_refused_by_name(when: dict[str, Any], words: str) -> None:
    assert words in refusal(when=when)


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ({"do": "comment", "text": "Hi {compny}"}, "there is no {compny}; these can be used: {company}"),
        ({"do": "create_item", "project_id": PROJECT, "title": "{x}"}, "there is no {x}"),
        ({"do": "create_item", "project_id": "CUST", "title": "x"}, "project_id"),
        ({"do": "create_item", "project_id": PROJECT, "title": " "}, "title"),
        ({"do": "create_item", "project_id": PROJECT, "title": "x", "start_in": 3, "due_in": 1}, "due_in lies before"),
        ({"do": "create_item", "project_id": PROJECT, "title": "x", "asign": ""}, "asign: there is no such setting"),
        ({"do": "assign", "who": "ada"}, "give an e-mail address, or owner"),
        ({"do": "fly"}, "fly"),
    ],
)
def test_an_action_that_cannot_be_is_refused_by_name(then: dict[str, Any], words: str) -> None:
    assert words in refusal(then=then)


def test_a_rule_without_an_action_is_refused() -> None:
    with pytest.raises(ValidationError, match="then"):
        RuleSpec.model_validate({"name": "A rule", "when": {"test": "created"}, "then": []})


def test_a_stored_rule_reads_as_it_was_saved() -> None:
    action = {"do": "create_item", "project_id": PROJECT, "title": "Onboard {company}", "assign": "OWNER", "due_in": 5}
    made = spec({"test": "within", "value": "30"}, action, only=[{"test": "is", "field": "phase", "value": "A"}])
    stored = CompanyRule(**as_data(made))
    assert stored.when["field"] == "renewal" and stored.then[0]["project_id"] == PROJECT
    assert spec_of(stored) == made


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


PIECES = ["<b>x", "1. x", "</p>", "<script>", "{after}", "[a](http://x)", "&lt;", '" onload="', "\n\n"]
nasty = st.lists(st.text(max_size=5) | st.sampled_from(PIECES), max_size=4).map("".join)


@few
@given(name=nasty, after=nasty)
def test_text_from_outside_never_becomes_markup(name: str, after: str) -> None:
    text = "{company} is in {after}:\nline two\n\n{before}"
    create = {"do": "create_item", "project_id": PROJECT, "title": "{company}\n{after}", "notes": text}
    made, said = steps(
        spec({"test": "created"}, create, {"do": "comment", "text": text}), company(name), None, after, [], today=TODAY
    )
    assert made["notes"] == said["html"]
    read = Reader(said["html"])
    assert read.tags == ["p", "br", "p"]
    assert "{after}" not in name or "{after}" in read.text
    assert "\n" not in made["title"] and len(made["title"]) <= 255 and made["title"]


def test_all_placeholders_are_filled() -> None:
    facts = {
        "phase": "Trial", "status": "lead", "health": 4.0, "owner": "jo@x.test", "owner_name": "Jo", "revenue": 12000.5,
        "renewal": "2026-12-01", "tags": ["a", "b"],
    }  # fmt: skip
    text = " | ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    step = steps(
        spec({"test": "created"}, {"do": "create_item", "project_id": PROJECT, "title": text}),
        company(url="https://x.test/1", **facts), None, ["x"], [], today=TODAY,
    )[0]  # fmt: skip
    assert step["title"] == (
        "Acme | Trial | lead | 4 | Jo | 12,000.5 | Tue 01 Dec 2026 | a, b | – | x | https://x.test/1"
    )


def test_the_address_over_there_is_a_link_unless_it_is_none() -> None:
    def comment(url: str) -> str:
        rule = spec({"test": "created"}, {"do": "comment", "text": "See {url}"})
        return str(steps(rule, company(url=url), None, None, [], today=TODAY)[0]["html"])

    assert comment("https://x.test/1") == '<p>See <a href="https://x.test/1" target="_blank">https://x.test/1</a></p>'
    assert comment("javascript:alert(1)") == "<p>See javascript:alert(1)</p>"


def test_a_plan_counts_days_from_the_day_it_fires_and_names_the_owner() -> None:
    action = {
        "do": "create_item", "project_id": PROJECT, "title": "Onboard", "state": "unstarted", "priority": "high",
        "labels": ["new", "phase {phase}", "status {status}"], "assign": "owner", "start_in": 0, "due_in": 10,
    }  # fmt: skip
    step = steps(spec({"test": "created"}, action), company(owner="jo@x.test", phase="A"), None, None, [], today=TODAY)[
        0
    ]
    assert step == {
        "do": "create_item", "project": PROJECT, "title": "Onboard", "notes": "", "state": "unstarted", "priority": "high",
        "labels": ["new", "phase A"], "assign": "jo@x.test", "start": "2026-11-23", "end": "2026-12-03",
    }  # fmt: skip


def test_a_company_without_an_owner_assigns_nobody_and_says_so() -> None:
    step = steps(spec({"test": "created"}, {"do": "assign", "who": "owner"}), company(), None, None, [Tied("p", "i")])[
        0
    ]
    assert step["items"] == [] and "no owner" in step["note"]


def test_a_step_takes_a_hundred_items_and_counts_the_rest() -> None:
    items = [Tied("p", str(number)) for number in range(MOST_ITEMS + 7)]
    step = steps(spec({"test": "created"}, {"do": "label", "label": "vip"}), company(), None, None, items)[0]
    assert len(step["items"]) == MOST_ITEMS and step["more"] == 7
