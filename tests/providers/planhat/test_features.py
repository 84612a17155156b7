"""Which features a token allows, from the models that it may read: a table."""

from __future__ import annotations

import pytest

from planeapp.providers.planhat.features import FEATURES, found

ALL = frozenset(
    ("companies", "leancompanies", "issues", "endusers", "users", "customfields", "conversations", "tasks", "calls")
)


@pytest.mark.parametrize(
    ("readable", "open_calls", "wanted"),
    [
        ((), True, set()),
        (("leancompanies",), False, {"parties"}),
        (("companies",), False, {"parties", "companies", "update_company", "write_tallies"}),
        (("companies", "tasks"), True, {"parties", "companies", "update_company", "write_tallies", "tell", "log_call"}),
        (("endusers",), False, {"contacts", "add_contact"}),
        (("endusers", "calls"), False, {"contacts", "add_contact", "log_call"}),
        (("calls",), False, set()),
        (("conversations",), False, set()),
    ],
)
def test_a_feature_is_there_when_its_models_can_be_read(
    readable: tuple[str, ...], open_calls: bool, wanted: set[str]
) -> None:
    assert found(frozenset(readable), open_calls=open_calls).abilities == wanted


@pytest.mark.parametrize("lacking", sorted(ALL))
def test_what_is_lacking_stands_beside_the_feature(lacking: str) -> None:
    can = found(ALL - {lacking}, open_calls=False)
    whole = found(ALL, open_calls=False)
    assert can.lines != whole.lines or lacking in {"leancompanies", "conversations", "tasks"}
    assert {line.state for line in whole.lines} == {"ok"}


def test_every_feature_has_a_line_for_people() -> None:
    lines = found(frozenset(), open_calls=False).lines
    assert len(lines) == len(FEATURES) + 1 and {line.state for line in lines} == {"off"}
    assert all(line.detail for line in lines) and len({line.name for line in lines}) == len(lines)


def test_fields_that_cannot_be_made_are_announced_before_the_first_write() -> None:
    lines = {line.name: line for line in found(ALL - {"customfields"}, open_calls=False).lines}
    assert "by hand" in lines["figures_feature"].detail and lines["figures_feature"].state == "ok"
