"""``make bench``: every benchmark, or those named (``make bench ARGS="ingest storm"``); one line of JSON each."""

from __future__ import annotations

import importlib
import os
import sys

BENCHMARKS = ("ingest", "storm", "mention", "fairness", "rotation", "calls", "backfill", "customers", "pages")
SERVICES = {
    "DATABASE_URL": "postgres://postgres@127.0.0.1:5432/test",
    "REDIS_URL": "redis://127.0.0.1:6379/14",
}
"""Where PostgreSQL and Redis are when nobody says otherwise. Each benchmark makes a database of its own beside it."""


def main() -> None:
    """Run them one after the other."""
    for name, address in SERVICES.items():
        os.environ.setdefault(name, address)
    wanted = sys.argv[1:] or BENCHMARKS
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(unknown)}. There are: {', '.join(BENCHMARKS)}.")
    for name in wanted:
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main()
