"""The side that lives in memory is one to the engine."""

from __future__ import annotations

import inspect

from planeapp.plane.side import PlaneSide
from tests.plane.memory_side import MemorySide

RECORDS = {"read"}  # takes Plane's own records, which the memory has not


def test_it_has_every_method_of_planes_side_with_the_same_parameters() -> None:
    public = {name: found for name, found in vars(PlaneSide).items() if not name.startswith("_")}
    for name in public.keys() - RECORDS:
        mine = getattr(MemorySide, name)
        assert isinstance(mine, property) == isinstance(public[name], property), name
        if not isinstance(mine, property):
            assert list(inspect.signature(mine).parameters) == list(inspect.signature(public[name]).parameters), name
