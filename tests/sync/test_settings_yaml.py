from __future__ import annotations

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from planeapp.sync import settings_yaml
from planeapp.sync.settings_yaml import LARGEST, MOST_VALUES, Unreadable, compose, dump, spelled


@pytest.fixture(params=["C", "Python"], autouse=True)
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without libyaml."""
    if request.param == "Python":
        monkeypatch.setattr(settings_yaml, "PARSER", yaml.SafeLoader)


def refused(text: str | bytes) -> str:
    """The one thing that is wrong."""
    with pytest.raises(Unreadable) as end:
        compose(text)
    (fault,) = end.value.faults
    return str(fault)


@pytest.mark.parametrize(
    "word", ["off", "on", "no", "17:00", "09:30", "2026-11-23", "1_000", "0x10", "3.0", "true", "<<"]
)
def test_a_value_is_the_text_that_stands_there(word: str) -> None:
    assert compose(f"a: {word}").data == {"a": word}
    assert compose(f"a: [{word}, '{word}']").data == {"a": [word, word]}


@pytest.mark.parametrize("word", ["", "~", "null"])
def test_an_empty_value_is_none_unless_it_is_quoted(word: str) -> None:
    assert compose(f"a: {word}\nb: '{word}'").data == {"a": None, "b": word}


def test_every_part_knows_its_line() -> None:
    lines = compose("# a comment\na:\n- b: 1\n  c: {d: 2}\n- x\n").lines
    assert {spelled(path): line for path, line in lines.items() if path} == {
        "a": 2, "a[0]": 3, "a[0].b": 3, "a[0].c": 4, "a[0].c.d": 4, "a[1]": 5,
    }  # fmt: skip


def test_a_fault_of_a_part_that_is_not_there_has_the_line_of_what_it_lacks_in() -> None:
    document = compose("a:\n- b: 1\n")
    assert str(document.fault(("a", 0, "c", "d"), "this is missing")) == "line 2: a[0].c.d: this is missing"


def test_a_name_given_twice_is_told_with_both_lines() -> None:
    document = compose("a:\n  b: 1\n  c: 2\n  b: 3\na: 4\n")
    assert [str(fault) for fault in document.faults] == [
        "line 4: a.b: given twice; it stands on line 2 already",
        "line 5: a: given twice; it stands on line 1 already",
    ]


@pytest.mark.parametrize(("text", "said"), [
    ("", "the file is empty"),
    ("# nothing but a comment\n", "the file is empty"),
    ("a: &x 1\nb: *x\n", "line 1: a: anchors (&) and aliases (*) are not taken; write the value out"),
    ("a: 1\nb: [2, *x]\n", "line 2: b[1]: anchors (&) and aliases (*) are not taken; write the value out"),
    ("a: !!python/object/apply:os.system [ls]", "line 1: a: tags (tag:yaml.org,2002:python/object/apply:os.system) are not"
                                                 " taken; write the value alone"),
    ("a: 1\n---\nb: 2\n", "line 2: a second document begins here; one file holds one"),
    ("? [a, b]\n: 1", "line 1: a name has to be a plain word"),
    ('a:\n  "b\\0": 1', "line 2: a: there is a character here that cannot be kept"),
    ('a: "b\\0"', "line 1: a: there is a character here that cannot be kept"),
    ("a: " + "[" * 500_000, "lists and mappings lie too deep in each other here"),
    (b"a: 1\nb: \xff\n", "line 2: the file is not UTF-8 text"),
    ("a: \udc80", "line 1: the file is not UTF-8 text"),
])  # fmt: skip
def test_what_is_no_settings_file_is_refused_with_its_line(text: str | bytes, said: str) -> None:
    assert refused(text).endswith(said)


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "a: 'x", "\tb", "a: \x07", 'a: "\\ud800"', "%YAML 9.9\n---\na: 1"])
def test_what_is_not_yaml_is_refused_in_one_line(text: str) -> None:
    said = refused(text)
    assert ("not YAML" in said or "cannot be kept" in said) and "\n" not in said


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    assert refused(b"[" * (LARGEST + 1)) == "the file is larger than 1024 KiB"


def test_a_file_with_too_many_values_is_refused() -> None:
    assert refused("[" + "a," * MOST_VALUES + "]").endswith(f"more than {MOST_VALUES} values")


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert compose("\ufeffa: 1".encode()).data == {"a": "1"}


def test_long_and_unprintable_names_are_told_shortened_and_escaped() -> None:
    document = compose('"\\e[31mred": 1')
    (path,) = [path for path in document.lines if path]
    assert spelled(path) == repr("\x1b[31mred")
    assert len(spelled(("x" * 500,))) < 70


texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
plain = st.recursive(
    texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


@given(plain)
@example("\x85 \u2028")
@example("off")
def test_what_is_dumped_is_read_as_it_was(data: object) -> None:
    assert compose(dump({"a": data})).data == {"a": data}


def test_what_other_readers_would_guess_at_is_quoted() -> None:
    assert dump({"a": ["off", "17:00", "2026-11-23", "1"]}) == "a: ['off', '17:00', '2026-11-23', '1']\n"


def test_a_value_that_comes_twice_is_written_twice() -> None:
    twice = ["x"]
    assert dump({"a": twice, "b": twice}) == "a: [x]\nb: [x]\n"


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        compose(text)
    except Unreadable as error:
        assert error.faults
