from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog
from django.conf import settings

from planeapp.lib.logs import logging_config, scrub

SECRETS = [
    "Authorization: Bearer abcdef123456",
    "authorization: basic YWxhZGRpbjpvcGVu",
    "token pln_abcdefgh12345",
    "plr_pat_abc.defghi12345",
    "plane_wh_87ec76a21fb1",
    "GET /oauth/plane/callback/?code=abcdef123456&state=xyz987",
    "https://x.example/?access_token=abcdef123456",
    "https://x.example/?a=b&refresh_token=abcdef123456",
    "https://x.example/?client_secret=abcdef123456'",
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_credential_is_hidden(text: str) -> None:
    clean = scrub(text)
    assert "[hidden]" in clean
    assert not any(part in clean for part in ("abcdef", "YWxh", "defghi", "87ec", "xyz987"))


def test_what_is_no_credential_is_left_alone() -> None:
    text = "POST https://api.plane.so/api/v1/workspaces/acme/?cursor=20:1:0: 409 (bearer of news; basic facts)"
    assert scrub(text) == text


def test_a_hidden_credential_leaves_what_stands_around_it() -> None:
    assert scrub("a Bearer abcdef123456, b ?code=1&x=2") == "a Bearer [hidden], b ?code=[hidden]&x=2"


@contextmanager
def listening(form: str) -> Iterator[io.StringIO]:
    """What the product's handler prints in this form; pytest's own handlers stay as they are."""
    options = dict(logging_config(form)["formatters"]["ours"])
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(options.pop("()")(**options))
    logging.getLogger().addHandler(handler)
    yield handler.stream
    logging.getLogger().removeHandler(handler)
    logging_config(settings.LOG_FORMAT)


@pytest.fixture
def printed() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What was logged, as JSON."""
    with listening("json") as out:
        yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_bound_ids(printed: Callable[[], list[dict[str, object]]]) -> None:
    with structlog.contextvars.bound_contextvars(delivery="d-1"):
        structlog.get_logger("test").info("done", count=3)
    (line,) = printed()
    assert (line["event"], line["delivery"], line["count"], line["level"]) == ("done", "d-1", 3, "info")


def test_values_under_secret_names_are_hidden_however_deep(printed: Callable[[], list[dict[str, object]]]) -> None:
    structlog.get_logger("test").info(
        "x", access_token="abcdef", headers={"Authorization": "abcdef"}, rows=[{"client_secret": "abcdef"}]
    )
    assert "abcdef" not in json.dumps(printed())


def test_secrets_in_nested_texts_are_hidden(printed: Callable[[], list[dict[str, object]]]) -> None:
    structlog.get_logger("test").info("x", seen=["Bearer abcdef123456"], more={"url": "/?code=abcdef123456"})
    assert "abcdef" not in json.dumps(printed())


def test_tracebacks_are_scrubbed(printed: Callable[[], list[dict[str, object]]]) -> None:
    try:
        raise ValueError("Bearer abcdef123456")
    except ValueError:
        structlog.get_logger("test").exception("broke")
    text = json.dumps(printed())
    assert "ValueError" in text
    assert "abcdef" not in text


def test_lines_of_other_libraries_are_json_and_scrubbed(printed: Callable[[], list[dict[str, object]]]) -> None:
    logging.getLogger("some.library").warning("sent %s", "Bearer abcdef123456")
    (line,) = printed()
    assert line["event"] == "sent Bearer [hidden]"
    assert line["logger"] == "some.library"


def test_console_lines_are_scrubbed_too() -> None:
    with listening("console") as out:
        logging.getLogger("some.library").warning("sent Bearer abcdef123456")
    assert "sent Bearer [hidden]" in out.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_the_whole_configuration_is_one_that_python_takes(form: str) -> None:
    script = f"import logging.config as c; from planeapp.lib.logs import logging_config as l; c.dictConfig(l('{form}'))"
    assert subprocess.run([sys.executable, "-c", script], cwd=settings.BASE_DIR, check=False).returncode == 0
