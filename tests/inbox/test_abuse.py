"""A real web process and senders who mean harm or know no better: right status, bounded memory, no traceback."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from planeapp.inbox.doors import MAX_BODY
from tests.faults.web import Web
from tests.faults.wire import PATH, Heard, chunks, head, post, signed
from tests.harness import until

BODY_SECONDS, HEAD_SECONDS = 0.6, 0.5
ROOM = 6 * 1024 * 1024
MEGABYTES = 90.0  # what any single attack may add to the peak; storing 5 MB takes most of it


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """A web process with little patience."""
    running = Web(tmp_path_factory.mktemp("abuse"), "abuse")
    try:
        patience = {
            "BODY_SECONDS": str(BODY_SECONDS),
            "BODY_ROOM": str(ROOM),
            "GRANIAN_HTTP1_HEADER_READ_TIMEOUT": str(int(HEAD_SECONDS * 1000)),
        }
        yield running.begin(**patience)
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def _unharmed(web: Web) -> Iterator[None]:
    """Afterwards others are served as before, nothing broke, and memory did not grow beyond the bound."""
    assert web.push(b"{}") == 200
    before, peak = len(web.log("web")), web.peak()
    yield
    assert web.push(b'{"still": "served"}') == 200
    assert "Traceback" not in web.log("web")[before:]
    assert web.peak() - peak < MEGABYTES


def statuses(heard: Heard, *wanted: int) -> None:
    assert heard.status in wanted, heard


# Slow


def test_a_body_that_drips_is_given_up_while_others_are_served(web: Web) -> None:
    with web.line() as line:
        line.send(head(content_length="1000"), b"{")
        for number in range(5):
            line.send(b" ")
            assert web.push(f'{{"n": {number}}}'.encode()) == 200
        heard = line.hear()
        assert (heard.status, "connection: close" in heard.head) == (408, True)
        assert line.hung_up()


def test_three_hundred_who_drip_at_once_keep_nobody_out(web: Web) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(web.line()) for _ in range(300)]
        for line in lines:
            line.send(head(content_length="1000"), b"{" * 500)
        assert [web.push(b'{"n": 1}') for _ in range(20)] == [200] * 20
        assert {line.hear().status for line in lines} == {408}


def test_large_bodies_that_are_held_back_keep_no_small_one_out(web: Web) -> None:
    """They are more than there is room for: some are sent away at once, small ones come in all the while."""
    with ExitStack() as stack:
        lines = [stack.enter_context(web.line()) for _ in range(12)]
        for line in lines:
            line.send(head(content_length=str(MAX_BODY)), b" " * 1_000_000)
        assert [web.push(b'{"n": 1}') for _ in range(10)] == [200] * 10
        assert {line.hear().status for line in lines} == {408, 503}


def test_first_lines_that_never_end_are_given_up(web: Web) -> None:
    with web.line() as line:
        line.send(b"POST /webhooks/pla")
        assert web.push(b'{"n": 1}') == 200
        assert line.hear().status in (0, 408)


@pytest.mark.parametrize("path", ["/", "/webhooks", "/w/sandbox/"])
def test_slow_forms_take_no_thread_from_the_pages(web: Web, path: str) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(web.line()) for _ in range(20)]
        for line in lines:
            line.send(head(path=path, content_length="1000", content_type="application/x-www-form-urlencoded"), b"a=")
        assert web.ask(head(path="/healthz/", method="GET")).status in (200, 404)
        assert {line.hear().status for line in lines} == {408}


# Large


def test_five_megabytes_and_one_byte_are_refused_unread(web: Web) -> None:
    heard = web.ask(head(content_length=str(MAX_BODY + 1)))
    assert (heard.status, "connection: close" in heard.head) == (413, True)


def test_five_megabytes_and_one_byte_in_chunks_are_refused(web: Web) -> None:
    parts = [b" " * 65536] * 80 + [b" "]
    statuses(web.ask(head(transfer_encoding="chunked"), *chunks(parts)), 413)


def test_chunks_without_end_are_refused_when_they_are_too_many(web: Web) -> None:
    parts = (b" " * 65536 for _ in range(1600))
    statuses(web.ask(head(transfer_encoding="chunked"), *chunks(parts)), 413, 0)


def test_five_megabytes_are_taken_in_chunks_as_in_one_piece(web: Web) -> None:
    raw = b'{"a": "' + b"x" * (MAX_BODY - 9) + b'"}'
    assert web.push(raw) == 200
    said = head(transfer_encoding="chunked", x_plane_signature=signed(raw, web.webhook_secret))
    statuses(web.ask(said, *chunks([raw[:1000], raw[1000:]])), 200)
    assert web.stored()[-2:] == [raw, raw]


def test_a_form_larger_than_pages_take_is_refused(web: Web) -> None:
    said = head(path="/", content_length=str(3 * 1024 * 1024), content_type="application/x-www-form-urlencoded")
    statuses(web.ask(said, b"a" * 3 * 1024 * 1024), 413)


def test_packed_bodies_are_refused_without_unpacking(web: Web) -> None:
    bomb = gzip.compress(b'{"a": "' + b" " * 200_000_000 + b'"}', 1)
    for encoding in ("gzip", "deflate", "br"):
        statuses(web.ask(post(bomb, web.webhook_secret, content_encoding=encoding)), 400, 415)


# Bodies that hurt


BODIES = {
    "ten thousand levels of objects": (400, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "ten thousand levels of lists": (400, b"[" * 10_000 + b"]" * 10_000),
    "a million open brackets": (413, b"[" * 1_000_000),
    "a million small parts": (413, b"[" + b"[]," * 1_000_000 + b"[]]"),
    "NaN": (400, b'{"a": NaN}'),
    "Infinity": (400, b'{"a": Infinity}'),
    "minus Infinity": (400, b'{"a": -Infinity}'),
    "a number beyond all numbers": (200, b'{"a": 1e999999}'),
    "a million digits": (400, b'{"a": ' + b"9" * 1_000_000 + b"}"),
    "a key twice": (200, b'{"event": "issue", "event": "project", "data": {}, "data": []}'),
    "a hundred thousand keys": (200, b"{" + b",".join(b'"k%d": 1' % number for number in range(100_000)) + b"}"),
    "a zero in a text": (200, b'{"event": "\\u0000", "workspace_id": "\\u0000", "data": {"id": "\\u0000"}}'),
    "half a letter": (200, b'{"event": "\\ud800", "workspace_id": "\\udfff", "data": {"id": "\\ud800"}}'),
    "everything of the wrong kind": (
        200,
        b'{"event": {}, "action": [], "workspace_id": 1, "data": 7, "activity": "x"}',
    ),
    "not UTF-8": (400, b'{"a": "\xff"}'),
    "UTF-16": (200, '{"a": 1}'.encode("utf-16")),
    "nothing": (400, b""),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_signed_body_that_hurts_is_taken_or_refused_in_peace(web: Web, case: str) -> None:
    status, raw = BODIES[case]
    statuses(web.ask(post(raw, web.webhook_secret)), status)
    assert (web.stored()[-1] == raw) is (status == 200)


# Odd first lines


def test_a_signature_that_is_not_ascii_opens_nothing(web: Web) -> None:
    statuses(web.ask(post(b"{}", web.webhook_secret, x_plane_signature="é" * 32)), 401)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/jsonp", "é", "," * 900]
)
def test_what_does_not_call_itself_json_is_refused(web: Web, kind: str) -> None:
    statuses(web.ask(post(b"{}", web.webhook_secret, content_type=kind)), 415)


def test_two_signatures_open_nothing_unless_the_last_is_good(web: Web) -> None:
    statuses(web.ask(post(b"{}", web.webhook_secret, "x-plane-signature: " + "0" * 64)), 401)


@pytest.mark.parametrize(("lines", "status"), [(80, 200), (400, 431), (5000, 431)])
def test_a_flood_of_headers_is_refused_above_a_hundred(web: Web, lines: int, status: int) -> None:
    flood = [f"x-h{number}: {'y' * 100}" for number in range(lines)]
    statuses(web.ask(post(b"{}", web.webhook_secret, *flood)), status)


def test_one_giant_header_is_refused(web: Web) -> None:
    statuses(web.ask(post(b"{}", web.webhook_secret, "x-h: " + "y" * 2_000_000)), 431, 0)


@pytest.mark.parametrize("lines", [
    ["content-length: 3", "content-length: 30"], ["content-length: -1"], ["content-length: 1e3"],
    ["transfer-encoding: chunked, identity", "content-length: 2"], ["x-h: a\x00b"], ["no colon"],
])  # fmt: skip
def test_first_lines_that_contradict_themselves_are_refused(web: Web, lines: list[str]) -> None:
    statuses(web.ask(head(*lines), b"{}"), 400, 411)


@pytest.mark.parametrize(("path", "status"), [
    ("/webhooks/plane", 200), ("/webhooks/plane//", 200), ("/webhooks/plane/?a=%ff&b=é", 200),
    ("/webhooks/%70lane/", 200), ("//webhooks/plane/", 404), ("/webhooks//plane/", 404),
    ("/webhooks/plane/../plane/", 404), ("/webhooks/plane%00/", 404), ("/webhooks/plane;x/", 404),
    ("/webhooks/%ff%fe/x/", 404), ("/webhooks/planner/unknown/", 404), ("/webhooks/é/é/", 404),
    ("/webhooks/" + "a" * 9000, 404), ("/WEBHOOKS/plane/", 404), ("/webhooks/", 404),
])  # fmt: skip
def test_only_the_doors_own_address_opens_it(web: Web, path: str, status: int) -> None:
    before = len(web.stored())
    statuses(web.ask(post(b"{}", web.webhook_secret, path=path)), status)
    assert len(web.stored()) - before == (status == 200)


def test_a_sender_who_closes_half_the_line_midway_leaves_nothing(web: Web) -> None:
    before = len(web.stored())
    with web.line() as line:
        heard = line.send(head(content_length="10"), b"{").half_close().hear()
    statuses(heard, 0, 400, 408)
    assert len(web.stored()) == before


def test_a_sender_who_hangs_up_before_the_answer_is_stored_or_comes_again(web: Web) -> None:
    raw = b'{"gone": true}'
    with web.line() as line:
        line.send(post(raw, web.webhook_secret))
    assert web.push(raw) == 200
    assert raw in web.stored()


def test_many_requests_on_one_line_are_all_answered(web: Web) -> None:
    before = len(web.stored())
    with web.line() as line:
        for number in range(50):
            line.send(post(b'{"n": %d}' % number, web.webhook_secret))
            statuses(line.hear(), 200)
    assert len(web.stored()) - before == 50


def test_a_web_socket_finds_nobody(web: Web) -> None:
    upgrade = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==",
               "Sec-WebSocket-Version: 13"]  # fmt: skip
    for path in (PATH, "/"):
        statuses(web.ask(head(*upgrade, path=path, method="GET", content_type="")), 400, 403, 404, 405)


# Pages


@pytest.mark.parametrize(
    "path", ["/?a=é", "/?a=%ff", "/?a=%00", "/é/", "/%ff/", "/%00/", "/?" + "a&" * 3000, "/" + "x" * 9000]
)
def test_a_page_with_an_odd_address_is_shown_or_not_found(web: Web, path: str) -> None:
    statuses(web.ask(head(path=path, method="GET", content_type="")), 200, 302, 400, 404, 414)


def test_a_refusal_is_logged_without_the_body_or_the_signature(web: Web) -> None:
    statuses(web.ask(post(b'{"body": "b0dy"}', web.webhook_secret, x_plane_signature="s1gnature")), 401)
    told = until(lambda: [line for line in web.log("web").splitlines() if "delivery refused" in line], what="the log")
    assert "signature is missing or wrong" in told[-1]
    assert "s1gnature" not in web.log("web")
    assert "b0dy" not in web.log("web")
