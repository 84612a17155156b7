"""Stylesheet, scripts and pictures as production serves them: named by what is in them, compressed, kept for ever."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

YEAR_SECONDS = 365 * 24 * 3600


def nothing_here(request: HttpRequest) -> HttpResponse:
    """The rest of the product."""
    return HttpResponse(status=404)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WhiteNoiseMiddleware]:
    """What the release process collects, and who serves it."""
    place = str(tmp_path_factory.mktemp("static"))
    storage = CompressedManifestStaticFilesStorage(location=place, base_url="/static/")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "STATIC_ROOT", place)
        patch.setattr(settings, "WHITENOISE_USE_FINDERS", False)
        patch.setattr(staticfiles_storage, "_wrapped", storage)
        call_command("collectstatic", verbosity=0, interactive=False)
        yield WhiteNoiseMiddleware(nothing_here)


def ask(served: WhiteNoiseMiddleware, address: str, **headers: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of what is there."""
    answer = served(RequestFactory().get(address, headers=headers))
    assert answer.status_code == 200
    with answer.file_to_stream:
        return dict(answer.headers), b"".join(answer)


@pytest.mark.parametrize("name", ["css/app.css", "js/live.js", "img/icons.svg", "img/logo.svg"])
def test_an_asset_is_kept_for_ever_under_a_name_that_changes_with_it(served: WhiteNoiseMiddleware, name: str) -> None:
    stem, _, kind = name.rpartition(".")
    address = staticfiles_storage.url(name)
    assert address != f"/static/{name}" and address.startswith(f"/static/{stem}.") and address.endswith(kind)
    kept = [part.strip() for part in ask(served, address)[0]["Cache-Control"].split(",")]
    assert {"immutable", "public"} <= set(kept)
    assert max(int(part.removeprefix("max-age=")) for part in kept if part.startswith("max-age=")) >= YEAR_SECONDS


def test_an_asset_is_sent_compressed_to_who_takes_it(served: WhiteNoiseMiddleware) -> None:
    address = staticfiles_storage.url("css/app.css")
    _, plain = ask(served, address)
    headers, sent = ask(served, address, **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in headers["Vary"]
    assert gzip.decompress(sent) == plain and len(sent) < len(plain) / 3


def test_a_name_without_its_hash_is_not_kept_for_ever(served: WhiteNoiseMiddleware) -> None:
    assert "immutable" not in ask(served, "/static/css/app.css")[0]["Cache-Control"]
