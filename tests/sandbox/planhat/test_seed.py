"""What a fresh sandbox holds, and what a restart keeps."""

from __future__ import annotations

from pathlib import Path

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.planhat.app import make_app
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World


def test_a_fresh_sandbox_has_customers_people_and_no_issues() -> None:
    store = Store()
    make_app(World(), store, Clock())
    counts = {kind: len(store.all(kind)) for kind in ("companies", "users", "endusers", "issues", "customfields")}
    assert counts == {"companies": 14, "users": 4, "endusers": 9, "issues": 0, "customfields": 2}
    assert store.all("deliveries") == []


def test_every_seeded_company_has_what_the_product_shows() -> None:
    store = Store()
    make_app(World(), store, Clock())
    wanted = ("phase", "h", "owner", "arr", "mrr", "renewalDate", "domains", "externalId", "tags")
    assert [doc["name"] for doc in store.all("companies") if not all(name in doc for name in wanted)] == []


def test_a_restart_keeps_the_rows_and_seeds_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "planhat.sqlite3"
    first = Store(path)
    make_app(World(), first, Clock())
    acme = first.find("companies", externalId="acme")[0]
    first.put("companies", acme["_id"], acme | {"phase": "changed"})
    second = Store(path)
    make_app(World(), second, Clock())
    assert [doc["phase"] for doc in second.find("companies", externalId="acme")] == ["changed"]
    assert len(second.all("companies")) == 14


def test_a_new_token_of_the_world_is_known_after_a_restart() -> None:
    store = Store()
    make_app(World(), store, Clock())
    make_app(World(planhat_token="another"), store, Clock())
    assert [doc["token"] for doc in store.all("tokens")] == ["sandbox-planhat-token", "another"]
