from __future__ import annotations

import base64

import pytest
from django.core import serializers
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from planeapp.installations.models import Credential
from planeapp.lib.crypto import CannotDecrypt, KeyRing, Sealed, key_id
from tests.factories import CredentialFactory

OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
SECRET = "canary-token-1234"


@given(st.text(), st.text())
def test_what_was_sealed_opens_again_at_its_place(text: str, place: str) -> None:
    text, place = (part.encode("utf-8", "replace").decode() for part in (text, place))
    ring = KeyRing([OLD])
    assert ring.open(ring.seal(text, place), place) == text


def test_the_same_text_is_sealed_differently_each_time() -> None:
    ring = KeyRing([OLD])
    assert ring.seal("x", "p") != ring.seal("x", "p")


def test_the_sealed_form_names_its_key_and_shows_nothing_of_the_text() -> None:
    sealed = KeyRing([OLD]).seal(SECRET, "p")
    scheme, name, body = sealed.split(".")
    assert (scheme, name) == ("g1", key_id(OLD))
    assert SECRET.encode() not in base64.urlsafe_b64decode(body)
    assert key_id(OLD) not in OLD.hex()


@pytest.mark.parametrize("place", ["t.c.2", "t.other.1", "other.c.1", ""])
def test_a_ciphertext_at_another_place_does_not_open(place: str) -> None:
    ring = KeyRing([OLD])
    with pytest.raises(CannotDecrypt):
        ring.open(ring.seal(SECRET, "t.c.1"), place)


def test_a_key_that_is_not_in_the_ring_is_named_with_the_mend() -> None:
    with pytest.raises(CannotDecrypt, match=f"{key_id(OLD)}.*ENCRYPTION_KEYS"):
        KeyRing([OTHER]).open(KeyRing([OLD]).seal(SECRET, "p"), "p")


def test_a_ciphertext_that_claims_another_key_does_not_open() -> None:
    sealed = KeyRing([OLD]).seal(SECRET, "p").replace(key_id(OLD), key_id(NEW))
    with pytest.raises(CannotDecrypt):
        KeyRing([NEW, OLD]).open(sealed, "p")


@pytest.mark.parametrize(
    "sealed", ["", "plain text", "g1", "g1.", "g1.{k}.", "g1.{k}.!!", "g1.{k}.AAAA", "g2.{k}.AAAA", "g1.{k}.é"]
)
def test_what_is_no_ciphertext_does_not_open(sealed: str) -> None:
    with pytest.raises(CannotDecrypt):
        KeyRing([OLD]).open(sealed.format(k=key_id(OLD)), "p")


def test_every_changed_byte_is_noticed() -> None:
    ring = KeyRing([OLD])
    head, _, body = ring.seal("secret", "p").rpartition(".")
    raw = base64.urlsafe_b64decode(body)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(CannotDecrypt):
            ring.open(f"{head}.{base64.urlsafe_b64encode(changed).decode()}", "p")


def test_the_first_key_seals_and_all_keys_open() -> None:
    before, after = KeyRing([OLD]), KeyRing([NEW, OLD])
    assert after.open(before.seal(SECRET, "p"), "p") == SECRET
    assert Sealed(after.seal(SECRET, "p")).key == key_id(NEW)


def test_an_empty_ring_is_refused() -> None:
    with pytest.raises(CannotDecrypt, match="ENCRYPTION_KEYS"):
        KeyRing([])


def stored(credential: Credential, column: str = "access") -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {Credential._meta.db_table} WHERE slot = %s", [credential.slot])
        return str(cursor.fetchone()[0])


pytestmark = pytest.mark.django_db


def test_the_database_holds_no_plain_secret() -> None:
    credential = CredentialFactory(access=SECRET)
    assert stored(credential).startswith(f"g1.{key_id(b'k' * 32)}.")
    assert Credential.objects.get(pk=credential.pk).access == SECRET


def test_empty_stays_empty_and_can_be_asked_for() -> None:
    credential = CredentialFactory(access="")
    assert stored(credential) == ""
    assert Credential.objects.get(access="").access == ""


@pytest.mark.parametrize(("source", "target"), [("access", "refresh"), ("refresh", "access")])
def test_a_ciphertext_moved_to_another_column_does_not_open(source: str, target: str) -> None:
    credential = CredentialFactory(access=SECRET, refresh=SECRET)
    Credential.objects.filter(pk=credential.pk).update(**{target: Sealed(stored(credential, source))})
    with pytest.raises(CannotDecrypt):
        getattr(Credential.objects.get(pk=credential.pk), target)


def test_a_ciphertext_moved_to_another_row_does_not_open() -> None:
    mine, their = CredentialFactory(access=SECRET, slot="mine"), CredentialFactory(slot="their")
    Credential.objects.filter(pk=their.pk).update(access=Sealed(stored(mine)))
    with pytest.raises(CannotDecrypt):
        _ = Credential.objects.get(pk=their.pk).access


def test_a_wrong_key_raises_when_the_secret_is_looked_at(settings: Settings) -> None:
    credential = CredentialFactory(access=SECRET)
    settings.ENCRYPTION_KEYS = [OTHER]
    found = Credential.objects.get(pk=credential.pk)
    assert found.slot == "main"
    with pytest.raises(CannotDecrypt):
        _ = found.access


def test_a_row_can_be_saved_without_the_key_of_its_secret(settings: Settings) -> None:
    credential = CredentialFactory(access=SECRET)
    before = stored(credential)
    settings.ENCRYPTION_KEYS = [OTHER]
    found = Credential.objects.get(pk=credential.pk)
    found.failure = "touched"
    found.save()
    assert stored(found) == before


def test_a_secret_that_was_opened_is_sealed_with_the_first_key_when_saved(settings: Settings) -> None:
    credential = CredentialFactory(access=SECRET)
    settings.ENCRYPTION_KEYS = [NEW, b"k" * 32]
    found = Credential.objects.get(pk=credential.pk)
    assert found.access == SECRET
    found.save()
    settings.ENCRYPTION_KEYS = [NEW]
    assert Credential.objects.get(pk=credential.pk).access == SECRET


def test_saving_other_columns_leaves_the_secret_alone() -> None:
    credential = CredentialFactory(access=SECRET)
    before = stored(credential)
    credential.failure = "x"
    credential.save(update_fields=["failure"])
    assert stored(credential) == before


@pytest.mark.parametrize("write", [
    lambda row: Credential.objects.filter(pk=row.pk).update(access="plain"),
    lambda row: Credential.objects.bulk_update([row], ["access"]),
    lambda row: Credential.objects.filter(access="plain").exists(),
])  # fmt: skip
def test_plain_text_never_reaches_the_database_by_the_side(write: object) -> None:
    row = CredentialFactory(access="plain")
    with pytest.raises(TypeError, match="saving the row"):
        write(row)  # type: ignore[operator]


def test_rows_made_in_bulk_are_sealed() -> None:
    row = CredentialFactory.build(connection=None, access=SECRET)
    Credential.objects.bulk_create([row])
    assert stored(row).startswith("g1.")
    assert Credential.objects.get(pk=row.pk).access == SECRET


def test_reading_a_deferred_secret_fetches_it_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    found = Credential.objects.defer("access").get(pk=CredentialFactory(access=SECRET).pk)
    with django_assert_num_queries(1):
        assert (found.access, found.access) == (SECRET, SECRET)


def test_reading_the_row_again_brings_the_new_secret() -> None:
    credential = CredentialFactory(access="old")
    Credential.objects.get(pk=credential.pk)
    other = Credential.objects.get(pk=credential.pk)
    other.access = SECRET
    other.save()
    credential.refresh_from_db()
    assert credential.access == SECRET


def test_no_text_form_of_a_row_shows_its_secret() -> None:
    credential = Credential.objects.get(pk=CredentialFactory(access=SECRET, refresh=SECRET).pk)
    shown = [repr(credential), str(credential), repr(vars(credential)), repr(Credential.objects.all())]
    assert SECRET not in " ".join(shown)


def test_a_dump_shows_no_secret() -> None:
    credential = CredentialFactory(access=SECRET, refresh="")
    dump = serializers.serialize("json", Credential.objects.all())
    opened = serializers.serialize("json", [credential])
    assert SECRET not in dump + opened
    assert '"access": "g1.' in dump


def test_values_lists_give_sealed_values() -> None:
    CredentialFactory(access=SECRET)
    assert isinstance(Credential.objects.values_list("access", flat=True).get(), Sealed)
