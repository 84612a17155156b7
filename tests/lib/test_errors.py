from __future__ import annotations

import pytest

from planeapp.lib import errors

FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GroundcrewError)]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_has_a_text_for_the_log_and_one_for_people(kind: type[errors.GroundcrewError]) -> None:
    error = kind("GET https://vendor.example/: 500")
    assert str(error) == "GET https://vendor.example/: 500"
    assert error.person == kind.default_person != str(error)


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in FAMILY}) == len(FAMILY)


def test_an_error_may_say_it_better_for_one_case() -> None:
    error = errors.OutOfQuota("429", delay=30, person="Planner rests until 14:03.", code="planner_rests")
    assert (error.delay, error.person, error.code) == (30, "Planner rests until 14:03.", "planner_rests")
    assert errors.OutOfQuota.code == "waiting_for_quota"


def test_quota_is_a_way_to_try_later() -> None:
    assert issubclass(errors.OutOfQuota, errors.RetryLater)
    assert errors.RetryLater("x").delay is None
