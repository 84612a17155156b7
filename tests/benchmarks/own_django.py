"""The product's code within the benchmark's own process, on a PostgreSQL database made for it and dropped afterwards."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import django
from django.core.management import call_command
from django.db import connections

from tests.benchmarks.rotation import database
from tests.environment import SETTINGS, redis_beside


@contextmanager
def product_in_process(scene: str) -> Iterator[ModuleType]:
    """The module ``tests.benchmarks.<scene>``, imported once Django is ready; Redis (another number) is emptied."""
    redis = redis_beside(os.environ["REDIS_URL"], 1)
    with database() as url:
        os.environ.update(
            SETTINGS | {"DATABASE_URL": url, "REDIS_URL": redis, "DJANGO_SETTINGS_MODULE": "planeapp.settings"}
        )
        django.setup()
        call_command("migrate", verbosity=0)
        importlib.import_module("redis").Redis.from_url(redis).flushdb()
        try:
            yield importlib.import_module(f"tests.benchmarks.{scene}")
        finally:
            importlib.import_module("planeapp.installations.calls").held.take()  # nothing is to be written at the exit
            connections.close_all()
