"""Our figures, written onto companies in bulk. No company ever comes into being by this.

Source: Planhat developer docs, "Bulk upsert": a row whose ``_id`` is unknown is inserted when it has the fields that a new
record needs. Ours have ``_id`` and ``custom`` alone, never a name, so Planhat refuses them for a company that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError
from planeapp.providers.base import Access, Tally
from planeapp.providers.planhat import answers, models, tally_fields
from planeapp.providers.planhat.bulk import BulkResult
from planeapp.providers.planhat.company_values import days_of
from planeapp.providers.planhat.models import Json, record_id
from planeapp.providers.planhat.resources import Api

SINGLE_LOOKUPS = 5


def write(api: Api, access: Access, tallies: Mapping[str, Tally]) -> dict[str, GroundcrewError]:
    """Write the figures; for each company that did not take them, why. FixSettings when the fields cannot be had."""
    known = {ident: tally for ident, tally in tallies.items() if ident.strip()}
    nameless = {ident: Gone("a company without an id") for ident in tallies.keys() - known.keys()}
    if not known:
        return {**nameless}
    names = tally_fields.settled(api.custom_fields, access)
    result = api.companies.upsert([_row(ident, tally, names) for ident, tally in known.items()])
    return {**nameless, **_refusals(api, known, result)}


def _row(ident: str, tally: Tally, names: Mapping[str, str]) -> Json:
    told = {"open": tally.open, "urgent": tally.urgent, "oldest": days_of(tally.oldest)}
    return {"_id": ident, "custom": {names[key]: value for key, value in told.items()}}


def _refusals(api: Api, wanted: Iterable[str], result: BulkResult) -> dict[str, GroundcrewError]:
    refused = {ident: _forbidden(ident, why) for ident, why in result.permission_errors.items()}
    gone = _gone(api, [ident for ident in result.errors if ident not in refused])
    refused |= {ident: gone.get(ident) or _wrong(ident, why) for ident, why in result.errors.items()}
    return refused | {ident: _made(ident) for ident in result.made if ident in wanted}


def _gone(api: Api, refused: list[str]) -> dict[str, GroundcrewError]:
    """Those of the refused companies that are there no longer."""
    few = len(refused) <= SINGLE_LOOKUPS
    there = {ident for ident in refused if _is_there(api, ident)} if few else _listed(api, refused)
    return {ident: Gone(f"PUT companies {ident}: there is none") for ident in refused if ident not in there}


def _is_there(api: Api, ident: str) -> bool:
    try:
        return api.companies.read(ident) is not None
    except FixSettings:  # closed to this token, or no id at all
        return True


def _listed(api: Api, refused: list[str]) -> set[str]:
    try:
        return {record_id(company) for company in api.lean_companies()}
    except FixSettings:
        return set(refused)


def _forbidden(ident: str, why: str) -> GroundcrewError:
    return answers.no_permission(models.COMPANIES, f"PUT companies {ident}: {why}", why)


def _wrong(ident: str, why: str) -> GroundcrewError:
    return FixSettings(f"PUT companies {ident}: {why}", person=f"Planhat did not take the figures: {why}.")


def _made(ident: str) -> GroundcrewError:
    return FixSettings(
        f"PUT companies {ident}: inserted",
        person="This company was removed in Planhat, and Planhat has made an empty one in its place. Please delete that one.",
    )
