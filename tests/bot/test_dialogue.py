from __future__ import annotations

import pytest

from planeapp.bot.dialogue import chosen

OPTIONS = [
    {"id": "a1", "label": "Northwind (external id northwind-1)"},
    {"id": "b2", "label": "Northwind (external id northwind-2)"},
    {"id": "c3", "label": "Acme Air"},
]


@pytest.mark.parametrize(
    ("said", "ident"),
    [
        ("1", "a1"), ("2.", "b2"), ("number 3", "c3"), ("#2", "b2"), ("the second one", "b2"), ("first", "a1"),
        ("the third, please", ""), ("the third please", "c3"), ("option 1", "a1"), ("b2", "b2"), ("B2", "b2"),
        ("northwind-2", "b2"), ("Acme Air", "c3"), ("acme", "c3"), ("acme aire", "c3"),
        ("Northwind (external id northwind-1)", "a1"), ("take the second one", "b2"),
        ("Northwind", ""), ("4", ""), ("0", ""), ("", ""), ("Globex", ""),
    ],
)  # fmt: skip
def test_a_choice_is_understood_by_number_id_label_or_words_that_fit_one(said: str, ident: str) -> None:
    option = chosen(said, OPTIONS)
    assert (option["id"] if option else "") == ident


def test_nothing_is_chosen_where_nothing_was_offered() -> None:
    assert chosen("1", []) is None
