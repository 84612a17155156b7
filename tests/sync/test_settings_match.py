from __future__ import annotations

import pytest

from planeapp.sync.settings_match import Named, NoMatch, match

KNOWN = [
    Named("1", "CUST", "Customer work"),
    Named("2", "LAB", "Integration lab"),
    Named("3", "Twin"),
    Named("4", "twin"),
]


@pytest.mark.parametrize(("wanted", "found"), [
    (Named("1", "CUST"), "1"), (Named("1", ""), "1"), (Named("", "cust"), "1"),
    (Named("of another workspace", "LAB"), "2"),
    (Named("1", "the name it had before"), "1"),
    (Named("4", "Twin"), "4"),
])  # fmt: skip
def test_the_id_decides_and_without_a_known_one_the_name(wanted: Named, found: str) -> None:
    assert match("project", wanted, KNOWN).id == found


@pytest.mark.parametrize(("wanted", "said"), [
    (Named("1", "LAB"), "project says LAB, project_id is that of CUST (Customer work); take out the one that is wrong"),
    (Named("", "TWIN"), "several are called TWIN; say which by project_id: 3, 4"),
    (Named("", "CUTS"), "there is no project CUTS that the app can see; did you mean CUST? known: CUST (Customer work), LAB"
                        " (Integration lab), Twin, twin"),
    (Named("9", ""), "there is no project 9 that the app can see; known: CUST (Customer work), LAB (Integration lab), Twin,"
                     " twin"),
])  # fmt: skip
def test_what_cannot_be_told_is_refused_in_words(wanted: Named, said: str) -> None:
    with pytest.raises(NoMatch) as end:
        match("project", wanted, KNOWN)
    assert str(end.value) == said


def test_only_some_of_many_are_named() -> None:
    with pytest.raises(NoMatch, match=r"P8, P9, …$"):
        match("place", Named("", "nowhere"), [Named(str(number), f"P{number}") for number in range(30)])


def test_nothing_to_choose_from_is_told() -> None:
    with pytest.raises(NoMatch, match="known: none"):
        match("place", Named("", "nowhere"), [])
