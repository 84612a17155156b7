"""What a benchmark prints: one line of JSON with a value, its control of the same run, and the spread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of them lie; 0 for none."""
    return sorted_values[min(int(len(sorted_values) * share), len(sorted_values) - 1)] if sorted_values else 0.0


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """``p50_ms``, ``p95_ms`` and ``p99_ms`` of durations in seconds."""
    ordered = sorted(seconds)
    return {
        f"p{part}_ms": round(percentile(ordered, part / 100) * 1000, 2) for part in (50, 95, 99)
    }  # fmt: skip


def emit(bench: str, value: float, unit: str, control: float, **more: Any) -> None:
    """Print the line. ``ratio`` is the value in parts of its control."""
    line = {"bench": bench, "value": round(value, 1), "unit": unit, "control": round(control, 1)}
    print(json.dumps(line | {"ratio": round(value / control, 3) if control else None} | more), flush=True)
