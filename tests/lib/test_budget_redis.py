from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from pytest_django import Settings

from planeapp.lib.budget import Allowance, Budget, Terms
from planeapp.lib.budget_redis import RedisStore
from planeapp.lib.errors import OutOfQuota

NOBODY = "redis://127.0.0.1:1/0"
TEN = Terms(limit=10)


def found_room(budget: Budget) -> bool:
    try:
        with budget.call():
            return True
    except OutOfQuota:
        return False


@pytest.mark.redis
def test_workers_at_once_never_take_more_than_there_is(settings: Settings) -> None:
    name = str(uuid.uuid4())
    budgets = [Budget(name, RedisStore(settings.REDIS_URL), TEN) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(found_room, budgets * 5))
    assert taken.count(True) == 10


@pytest.mark.redis
def test_a_refusal_that_one_worker_met_holds_for_all(settings: Settings) -> None:
    one, other = (Budget("token", RedisStore(settings.REDIS_URL), TEN) for _ in range(2))
    with one.call() as call:
        call.tell(Allowance(resets_in=30, refused=True))
    assert not found_room(other)


@pytest.mark.redis
def test_what_is_known_of_a_limit_goes_after_a_day(settings: Settings) -> None:
    assert found_room(Budget("token", RedisStore(settings.REDIS_URL), TEN))
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 0 < client.ttl("budget:token") <= 24 * 3600


def test_without_redis_calls_go_on_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    budget = Budget("token", RedisStore(NOBODY), TEN)
    with caplog.at_level(logging.WARNING):
        assert all(found_room(budget) for _ in range(30))
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.redis
def test_when_redis_is_back_calls_are_counted_again(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    store = RedisStore(NOBODY)
    budget = Budget(str(uuid.uuid4()), store, TEN)
    with caplog.at_level(logging.INFO):
        assert found_room(budget)
        store._redis = redis.Redis.from_url(settings.REDIS_URL)
        store._away_until = time.monotonic() - 1  # it is asked again after a few seconds
        assert [found_room(budget) for _ in range(11)].count(True) == 10
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
