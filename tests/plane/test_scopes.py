"""Which scope a call needs, and what does not work without which."""

from __future__ import annotations

import pytest

from planeapp.plane.scopes import (
    FEATURES,
    MINIMUM_SCOPES,
    OPTIONAL_SCOPES,
    ScopeMissing,
    check_call,
    features_off,
    holds,
    lacking,
    offers,
    scope_for,
    why_off,
)

W = "/api/v1/workspaces/acme"
DATES = "projects.work_items:write"
MANY = ("agents.run_activities:read", "agents.run_activities:write")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/users/me/", "profile:read"),
        ("GET", f"{W}/members/", "workspaces.members:read"),
        ("GET", f"{W}/projects/p/project-members/", "projects.members:read"),
        ("GET", f"{W}/projects/", "projects:read"),
        ("POST", f"{W}/projects/p/labels/", "projects.labels:write"),
        ("GET", f"{W}/projects/p/states/", "projects.states:read"),
        ("PATCH", f"{W}/projects/p/work-items/i/", "projects.work_items:write"),
        ("GET", f"{W}/work-items/CUST-1/", "projects.work_items:read"),
        ("POST", f"{W}/projects/p/work-items/i/comments/", "projects.work_items.comments:write"),
        ("GET", f"{W}/projects/p/work-items/i/links/", "projects.work_items.links:read"),
        ("GET", f"{W}/runs/r/", "agents.runs:read"),
        ("POST", f"{W}/runs/r/activities/", "agents.run_activities:write"),
    ],
)
def test_a_call_names_its_scope_and_we_ask_for_it(method: str, path: str, scope: str) -> None:
    assert scope_for(method, path) == scope
    assert scope in MINIMUM_SCOPES


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", f"{W}/customers/", "customers:read"),
        ("PATCH", f"{W}/customers/c/", "customers:write"),
        ("POST", f"{W}/customers/c/issues/", "customers.work_items:write"),
        ("DELETE", f"{W}/customers/c/issues/i/", "customers.work_items:write"),
        ("GET", f"{W}/customer-properties/", "customers.properties:read"),
        ("POST", f"{W}/customers/c/property-values/", "customers.property_values:write"),
        ("GET", f"{W}/features/", "workspaces.features:read"),
    ],
)
def test_a_call_about_customers_names_a_scope_that_is_asked_for_on_wish_alone(
    method: str, path: str, scope: str
) -> None:
    assert scope_for(method, path) == scope
    assert scope in OPTIONAL_SCOPES and scope not in MINIMUM_SCOPES


@pytest.mark.parametrize("slug", ["labels", "states", "runs", "projects", "customers", "features"])
def test_a_workspace_may_be_called_like_a_thing(slug: str) -> None:
    assert scope_for("GET", f"/api/v1/workspaces/{slug}/members/") == "workspaces.members:read"
    assert scope_for("GET", f"/api/v1/workspaces/{slug}/work-items/CUST-1/") == "projects.work_items:read"


def test_an_unknown_address_names_none() -> None:
    assert scope_for("GET", "/elsewhere/") == ""


# What a token covers


def test_every_scope_that_we_ask_for_is_needed_by_a_feature_and_no_other_is() -> None:
    assert {scope for feature in FEATURES for scope in feature.needs} == {*MINIMUM_SCOPES, *OPTIONAL_SCOPES}
    assert {scope for feature in FEATURES if feature.optional for scope in feature.needs} == set(OPTIONAL_SCOPES)


@pytest.mark.parametrize(
    ("granted", "scope", "covered"),
    [
        ({"profile:read"}, "profile:read", True),
        ({"profile:read"}, DATES, False),
        ({"read"}, "projects:read", True),
        ({"read"}, DATES, False),
        ({"read", "write"}, DATES, True),
        ({"projects.work_items:read"}, DATES, False),
        (set(), DATES, True),
        ({"openid"}, DATES, True),
        ({"read", "write"}, "customers:write", True),
        ({"customers:read"}, DATES, False),
    ],
)
def test_older_names_cover_all_and_an_answer_that_tells_nothing_is_believed_to(
    granted: set[str], scope: str, covered: bool
) -> None:
    assert holds(granted, scope) is covered


@pytest.mark.parametrize("granted", [frozenset(MINIMUM_SCOPES), frozenset(), frozenset({"read", "write"})])
def test_a_token_that_holds_all_has_nothing_off(granted: frozenset[str]) -> None:
    assert features_off(granted) == features_off(granted, whose="person") == ()
    assert lacking(granted) <= OPTIONAL_SCOPES.keys()


# What is off


@pytest.mark.parametrize("scope", MINIMUM_SCOPES)
def test_each_scope_that_is_missing_switches_something_off_and_says_what_to_do(scope: str) -> None:
    granted = set(MINIMUM_SCOPES) - {scope}
    found = features_off(granted) + features_off(granted, whose="person")
    assert found and all(off.reason.startswith(f"Plane did not allow {scope}, so ") for off in found)
    assert {off.mend for off in found} == {
        "Tick it in the app's Scopes & Permissions in Plane, then install the app again."
    }


def test_dates_do_not_move_without_the_scope_to_write_items() -> None:
    (off,) = features_off(set(MINIMUM_SCOPES) - {DATES})
    assert off.reason == f"Plane did not allow {DATES}, so work items in Plane, such as their dates, are not changed."
    assert not offers(off.missing, "write_items") and offers(off.missing, "read_items")


def test_several_missing_scopes_of_one_feature_are_named_together() -> None:
    (off,) = features_off(set(MINIMUM_SCOPES) - set(MANY))
    assert " and ".join(MANY) in off.reason and off.mend.startswith("Tick them ")


def test_what_we_never_asked_for_is_the_operators_to_mend() -> None:
    asked = set(MINIMUM_SCOPES) - {DATES}
    (off,) = features_off(asked, asked)
    assert off.told == (
        f"This app does not ask Plane for {DATES}, so work items in Plane, such as their dates, are not changed. "
        "An operator has to add it to PLANE_SCOPES; then install the app again."
    )


def test_a_persons_token_is_asked_for_less_than_the_bots() -> None:
    granted = {"profile:read", "workspaces.members:read"}
    assert features_off(granted, whose="person") == ()
    assert len(features_off(granted)) > 5


def test_a_call_that_is_known_to_be_refused_is_stopped_with_its_reason() -> None:
    with pytest.raises(ScopeMissing) as caught:
        check_call({DATES}, "PATCH", f"{W}/projects/p/work-items/i/")
    assert (caught.value.code, DATES in caught.value.person) == ("scope_missing", True)
    check_call({DATES}, "GET", f"{W}/projects/p/work-items/i/")
    check_call({DATES}, "GET", "/elsewhere/")


# What is off unless an operator wants it


def test_what_an_operator_did_not_ask_for_is_off_without_a_warning() -> None:
    lacks = lacking(MINIMUM_SCOPES)
    assert lacks == OPTIONAL_SCOPES.keys()
    assert not offers(lacks, "customers") and offers(lacks, "write_items")
    off = why_off(lacks, "customers")
    assert off and off.told == (
        "This app's access to Plane does not cover customers:read and customers:write, so companies do not become customers "
        "in Plane. An operator has to add them to PLANE_SCOPES and tick them in the app's Scopes & Permissions in Plane; "
        "then install the app again."
    )


def test_what_an_operator_did_ask_for_and_plane_did_not_allow_is_told() -> None:
    asked = {*MINIMUM_SCOPES, "customers:read", "customers:write"}
    (off,) = features_off(MINIMUM_SCOPES, asked)
    assert (off.feature.name, off.missing, off.ours) == ("customers", ("customers:read", "customers:write"), False)
    (half,) = features_off({*MINIMUM_SCOPES, "customers:read"}, {*MINIMUM_SCOPES, "customers:read"})
    assert (half.missing, half.ours) == (("customers:write",), True)


def test_of_a_token_whose_scopes_are_not_known_the_least_is_hoped() -> None:
    assert lacking(()) == OPTIONAL_SCOPES.keys()
    assert lacking({"read", "write"}) == frozenset()


def test_nothing_is_off_with_all_scopes() -> None:
    everything = {*MINIMUM_SCOPES, *OPTIONAL_SCOPES}
    assert features_off(everything, everything) == () and lacking(everything) == frozenset()
