"""The corpus: what people write, and what the bot makes of it. The share understood is printed (``pytest -s``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from planeapp.bot.commands import BY_NAME
from planeapp.bot.understand import understand

ZONE = "Europe/Stockholm"
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=ZoneInfo(ZONE))
CORPORA: list[dict[str, Any]] = [
    yaml.safe_load(path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("corpus*.yaml"))
]


@dataclass(frozen=True)
class Sentence:
    text: str
    want: list[Any]
    now: datetime = NOW
    zone: str = ZONE

    def heard(self) -> dict[str, Any]:
        return understand(self.text, now=self.now, zone=self.zone).as_data()

    def expected(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "args": {key: _time(value, self.zone) for key, value in args.items()}}
            for command in self.want
            for name, args in command.items()
        ]

    def is_exact(self) -> bool:
        got = self.heard()
        if self.want == ["ask"]:
            return got["commands"] == [] and bool(got["ask"])
        return got == {"commands": self.expected(), "ask": None}


def _time(value: Any, zone: str) -> Any:
    """ "2026-11-23T10:00" in the corpus is that time in the zone of the corpus."""
    if isinstance(value, str) and len(value) == 16 and value[10] == "T":
        return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone)).isoformat()
    return value


def sentences(*, nothing: bool) -> Iterator[Sentence]:
    for corpus in CORPORA:
        heard = corpus.get("heard", {"now": NOW.replace(tzinfo=None).isoformat(), "zone": ZONE})
        now = datetime.fromisoformat(heard["now"]).replace(tzinfo=ZoneInfo(heard["zone"]))
        for group, rows in corpus.items():
            if group != "heard" and (group == "nothing") == nothing:
                yield from (Sentence(text, want, now, heard["zone"]) for text, *want in rows)


def test_the_corpus_has_at_least_300_sentences_and_60_that_ask_for_nothing() -> None:
    texts = [(sentence.text, sentence.now) for nothing in (False, True) for sentence in sentences(nothing=nothing)]
    assert len(list(sentences(nothing=False))) >= 300
    assert len(list(sentences(nothing=True))) >= 60
    assert len(texts) == len(set(texts))


def test_the_corpus_speaks_of_every_command() -> None:
    spoken = {
        name for sentence in sentences(nothing=False) if sentence.want != ["ask"] for c in sentence.want for name in c
    }
    assert spoken == set(BY_NAME)


def test_98_of_100_sentences_are_understood_exactly_and_none_of_the_rest_acts() -> None:
    missed = [sentence for sentence in sentences(nothing=False) if not sentence.is_exact()]
    total = len(list(sentences(nothing=False)))
    share = 1 - len(missed) / total
    print(f"\nunderstood exactly: {total - len(missed)} of {total} sentences ({share:.1%})")
    assert share >= 0.98, [sentence.text for sentence in missed]
    assert [sentence.text for sentence in missed if sentence.heard()["commands"]] == []


def test_talk_triggers_nothing() -> None:
    triggered = {sentence.text: sentence.heard() for sentence in sentences(nothing=True)}
    assert {text: got for text, got in triggered.items() if got != {"commands": [], "ask": None}} == {}


@pytest.mark.parametrize("command", BY_NAME.values(), ids=list(BY_NAME))
def test_every_example_of_the_table_is_understood_as_its_command(command: Any) -> None:
    heard = understand(command.example, now=NOW, zone=ZONE)
    assert [spoken.name for spoken in heard.commands] == [command.name]
