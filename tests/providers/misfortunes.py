"""What a provider that is reached by HTTP makes of a vendor that is down, busy, strange, or says no."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from planeapp.lib.budget import Terms
from planeapp.lib.errors import GroundcrewError, OutcomeUnknown, OutOfQuota, ReconnectNeeded, RetryLater
from planeapp.providers.base import Item, Provider
from tests.budgets import Kept
from tests.lib.servers import Talk, answer, serving

NOBODY = "http://127.0.0.1:9"  # where nobody listens
MakeAt = Callable[[str], Provider]
Call = Callable[[Provider, str, Mapping[str, Any]], Any]
ROW, MARK = "0123456789abcdef01234567", "plane:6e0c2a4e:0b7f5d2c"
LATER = (RetryLater, OutcomeUnknown)

READS: dict[str, Call] = {
    "probe": lambda provider, place, values: provider.probe(),
    "list": lambda provider, place, values: provider.list(place),
    "get": lambda provider, place, values: provider.get(place, ROW),
    "find": lambda provider, place, values: provider.find(place, MARK),
}
WRITES: dict[str, Call] = {
    "create": lambda provider, place, values: provider.create(place, values, MARK),
    "update": lambda provider, place, values: provider.update(
        place, Item(ROW, values, mark=MARK), {"title": values["title"]}
    ),
    "delete": lambda provider, place, values: provider.delete(place, Item(ROW, values, mark=MARK)),
}
CALLS = {**READS, **WRITES}
JSON, HTML = "Content-Type: application/json", "Content-Type: text/html"
PAGE = b"<!DOCTYPE html><html><head><title>Please sign in</title></head><body>Welcome back</body></html>"
STRANGE = (
    b"",
    b"null",
    b"5",
    b'"x"',
    b"[]",
    b"{}",
    b"[null]",
    b"[5]",
    b'{"a": [1]}',
    b'{"error": {"code": 1}}',
    b"\xff",
)

every_call = pytest.mark.parametrize("call", CALLS)


def echo(status: str) -> Talk:
    """Answer with everything that was sent, credentials included, as some servers' debug pages do."""

    def talk(peer: socket.socket, request: bytes) -> None:
        told = {"message": request.decode("latin-1"), "error": request.decode("latin-1")}
        answer(status, json.dumps(told).encode(), JSON)(peer, request)

    return talk


def cut(peer: socket.socket, request: bytes) -> None:
    """Stop in the middle of an answer."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n[{")


def texts(error: BaseException) -> Iterator[str]:
    """All that a log, a traceback or a page may show of an error and of what led to it."""
    yield f"{error!r} {getattr(error, 'person', '')}"
    found: BaseException | None = error
    while found is not None:
        yield str(found)
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def with_access(provider: Provider, **parts: Any) -> Provider:
    """The same provider with parts of its access replaced."""
    return type(provider)(replace(provider.access, **parts))


class HttpContract:
    """To be named before ``ProviderContract`` among the bases. Subclasses give the fixture ``at``.

    - ``at``: makes a provider for an address, with the token ``secret`` and with nothing known from a probe
    - ``home``: the place of rows that is named in the calls
    """

    secret = "canary-7d1c52f0a94b4e0e"
    home = "main"

    @pytest.fixture
    def at(self) -> MakeAt:
        """A provider that is sent to another server than the usual one."""
        raise NotImplementedError("a subclass makes its provider for an address here")

    @contextmanager
    def ours(self, *kinds: type[GroundcrewError]) -> Iterator[list[GroundcrewError]]:
        """Nothing but an error of these kinds may come out (any of ours by default), and no text of it tells the token."""
        caught: list[GroundcrewError] = []
        with pytest.raises(kinds or GroundcrewError) as raised:
            yield caught
        caught.append(raised.value)
        assert raised.value.person and raised.value.code
        for text in texts(raised.value):
            assert self.secret not in text
        assert not re.search(r"Traceback|<html|\bNone\b", raised.value.person)

    def refused(self, call: str, provider: Provider, values: Mapping[str, Any]) -> None:
        """An error of ours comes out, or of a probe a report that found nothing; neither tells the token."""
        if call != "probe":
            with self.ours():
                self.ask(call, provider, values)
            return
        try:
            report = self.ask(call, provider, values)
        except GroundcrewError as error:
            assert not any(self.secret in text for text in texts(error))
        else:
            assert not report.abilities and self.secret not in json.dumps(report.as_data())

    def ask(self, call: str, provider: Provider, values: Mapping[str, Any]) -> Any:
        """Make one of the calls."""
        try:
            return CALLS[call](provider, self.home, values)
        finally:
            provider.close()

    @every_call
    def test_a_vendor_that_is_down_is_tried_later(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with self.ours(RetryLater):  # a write too: it never left
            self.ask(call, at(NOBODY), values)

    @every_call
    def test_a_server_error_is_tried_later(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        for status in ("500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable"):
            with serving(answer(status, PAGE, HTML)) as (url, _), self.ours(*(LATER if call in WRITES else LATER[:1])):
                self.ask(call, at(url), values)

    @every_call
    def test_a_connection_that_is_cut_is_tried_later(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with serving(cut) as (url, _), self.ours(*(LATER if call in WRITES else LATER[:1])):
            self.ask(call, at(url), values)

    @every_call
    def test_a_used_up_limit_waits_for_as_long_as_the_vendor_says(
        self, at: MakeAt, values: Mapping[str, Any], call: str
    ) -> None:
        full = answer("429 Too Many Requests", b"{}", JSON, "Retry-After: 37")
        with serving(full) as (url, _), self.ours(OutOfQuota) as caught:
            self.ask(call, at(url), values)
        (error,) = caught
        assert isinstance(error, OutOfQuota) and error.delay is not None and 36 <= error.delay <= 90

    @every_call
    def test_a_refused_token_needs_a_person_and_is_not_sent_for_ever(
        self, at: MakeAt, values: Mapping[str, Any], call: str
    ) -> None:
        refusing = answer("401 Unauthorized", b'{"error": "unauthorized"}', JSON)
        with serving(refusing) as (url, seen), self.ours(ReconnectNeeded):
            self.ask(call, at(url), values)
        sent = sum(self.secret.encode() in request for request in seen)
        assert 1 <= sent <= (8 if call == "probe" else 2)  # a probe asks several questions

    @every_call
    def test_a_token_that_ran_out_is_exchanged_and_the_fresh_one_is_sent(
        self, at: MakeAt, values: Mapping[str, Any], call: str
    ) -> None:
        def talk(peer: socket.socket, request: bytes) -> None:
            stale = self.secret.encode() in request
            answer("401 Unauthorized" if stale else "503 Service Unavailable", b"{}", JSON)(peer, request)

        held = [self.secret]

        def token(slot: str = "main", *, refused: str = "") -> str:
            if refused == self.secret:
                held.append("fresh-2c9e")
            return held[-1]

        with serving(talk) as (url, seen), self.ours(*(LATER if call in WRITES else LATER[:1])):
            self.ask(call, with_access(at(url), token=token), values)
        assert b"fresh-2c9e" in b"".join(seen)

    @every_call
    def test_no_call_is_made_when_none_is_left(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with serving(answer("200 OK", b"[]", JSON)) as (url, seen), self.ours(OutOfQuota):
            self.ask(call, with_access(at(url), budget=Kept(Terms(limit=0))), values)
        assert seen == []

    @every_call
    def test_a_page_instead_of_an_answer_is_no_answer(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with serving(answer("200 OK", PAGE, HTML)) as (url, _):
            self.refused(call, at(url), values)

    @every_call
    def test_half_an_answer_is_no_answer(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with serving(answer("200 OK", b'{"items": [{"id": "x", "ti', JSON)) as (url, _):
            self.refused(call, at(url), values)

    @every_call
    def test_a_strange_answer_raises_nothing_but_our_errors(
        self, at: MakeAt, values: Mapping[str, Any], call: str
    ) -> None:
        for body in STRANGE:
            with serving(answer("200 OK", body, JSON)) as (url, _):
                try:
                    self.ask(call, at(url), values)
                except GroundcrewError as error:
                    assert error.person, body

    @every_call
    def test_a_redirect_is_not_followed(self, at: MakeAt, values: Mapping[str, Any], call: str) -> None:
        with serving(answer("200 OK", b"[]", JSON)) as (elsewhere, lured):
            for status in ("302 Found", "307 Temporary Redirect"):
                with serving(answer(status, b"", f"Location: {elsewhere}/x")) as (url, _):
                    self.refused(call, at(url), values)
        assert lured == []

    @pytest.mark.parametrize("status", ["400 Bad Request", "403 Forbidden", "422 Unprocessable", "500 Oops"])
    def test_no_text_of_an_error_tells_the_token_even_if_the_vendor_repeats_it(
        self, at: MakeAt, values: Mapping[str, Any], status: str
    ) -> None:
        for call in CALLS:
            with serving(echo(status)) as (url, seen):
                self.refused(call, at(url), values)
            assert any(self.secret.encode() in request for request in seen)

    def test_nothing_that_can_be_shown_of_it_holds_the_token(self, at: MakeAt) -> None:
        provider = at(NOBODY)
        for shown in (provider, provider.access, provider.access.http):
            assert self.secret not in f"{shown!r} {shown}"

    def test_its_form_says_what_to_store_and_never_shows_a_secret_again(self, at: MakeAt) -> None:
        made: Any = import_module(f"{type(at(NOBODY)).__module__.rpartition('.')[0]}.forms").ConnectForm
        assert made().as_p() and all(field.label for field in made().fields.values())
        empty = made({})
        assert not empty.is_valid() and "token" in empty.errors
        self.settings_form(import_module(made.__module__))
        filled = made({"token": self.secret})
        filled.is_valid()
        assert self.secret not in filled.as_p()

    def settings_form(self, forms: Any) -> None:
        """Where there is one, it is drawn from any settings, and what it does not know stays."""
        if not hasattr(forms, "SettingsForm"):
            return
        kept = {"unknown": 1}
        form = forms.SettingsForm({}, initial=forms.SettingsForm.initial_from(kept))
        assert form.as_p()
        if form.is_valid():
            assert form.settings(kept)["unknown"] == 1
