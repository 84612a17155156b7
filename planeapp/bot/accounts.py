"""Commands that write about a company over there: contacts, calls, phase, tags."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing
from planeapp.bot.linking import about, knowing
from planeapp.customers.cache import take
from planeapp.customers.models import Company
from planeapp.customers.options import options_of
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import OutcomeUnknown
from planeapp.lib.folding import folded
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.providers.base import PhoneCall
from planeapp.sync.values import spoken

UNSURE = "I cannot tell whether the call was logged. Please look before you ask me again."


def add_contact(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Add a person to a company; who is there already is said so."""
    connection = _may(talk, "add_contact")
    if isinstance(connection, Reply):
        return connection
    company = about(talk, connection, args)
    if isinstance(company, Reply):
        return company
    email, name = str(args["email"]), str(args.get("name") or "")
    talk.doing("Adding a contact", provider_class(connection.provider).name)
    with closing(provider_for(connection)) as provider:
        known = [one for one in provider.contacts(company.remote_id) if one.email.casefold() == email.casefold()]
        plan = doing.decide(lambda: {"connection": str(connection.pk), "email": email, "fresh": not known})
        made = provider.add_contact(company.remote_id, email, name)
    doing.keep(contact=made.id)
    if not plan["fresh"]:
        return Reply(f"{literal(made.name or email)} is a contact of **{literal(company.name)}** already.")
    return Reply(f"Added {literal(made.name or email)} ({literal(email)}) to **{literal(company.name)}**.")


def log_call(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Write down a phone call. There is no way to look one up, so one whose answer was lost is not logged again."""
    connection = _may(talk, "log_call")
    if isinstance(connection, Reply):
        return connection
    if doing.again:
        return Reply(UNSURE, "error")
    call = _call(talk, args)
    doing.decide(lambda: {"connection": str(connection.pk), "number": call.number})
    system = provider_class(connection.provider).name
    talk.doing("Logging the call", system)
    try:
        with closing(provider_for(connection)) as provider:
            doing.keep(call=provider.log_call(call))
    except OutcomeUnknown:
        return Reply(UNSURE, "error")
    return Reply(f"Logged the call with {literal(call.number)} in {system}{_when(call)}.")


def _call(talk: Talk, args: dict[str, Any]) -> PhoneCall:
    """The call as said. Waiting and talk together make its length, as the other system counts it."""
    start = datetime.fromisoformat(args["start"]) if args.get("start") else None
    waiting = args.get("waiting_seconds")
    talked = timedelta(minutes=args["minutes"]) if "minutes" in args else None
    end = start + talked + timedelta(seconds=waiting or 0) if start is not None and talked is not None else None
    return PhoneCall(str(args["number"]), talk.asker_email, start, end, waiting)


def _when(call: PhoneCall) -> str:
    if call.start is None:
        return ""
    told = f", {spoken(call.start)}"
    minutes = (call.end - call.start) / timedelta(minutes=1) if call.end else 0
    told += f", {minutes:.0f} minutes" if call.end else ""
    return told + (f", {call.waiting} seconds of them waiting" if call.waiting else "")


def set_phase(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Set the company's phase, where the workspace allows it."""
    found = _changeable(talk, args)
    if isinstance(found, Reply):
        return found
    connection, company = found
    old = str(company.values.get("phase") or "")
    if folded(old) == folded(str(args["phase"])) and not doing.again:
        return Reply(f"**{literal(company.name)}** is in phase {literal(old)} already.")
    doing.decide(lambda: {"connection": str(connection.pk), "company": company.remote_id}, {"phase": old})
    told = _write(talk, connection, company, {"phase": str(args["phase"])})
    before = f" (before: {literal(doing.row.before['phase'])})" if doing.row.before.get("phase") else ""
    return Reply(f"**{literal(company.name)}** is now in phase {literal(str(told.values.get('phase') or ''))}{before}.")


def tag(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Add a tag to the company, where the workspace allows it."""
    found = _changeable(talk, args)
    if isinstance(found, Reply):
        return found
    connection, company = found
    name = str(args["tag"])
    if any(folded(known) == folded(name) for known in company.values.get("tags") or ()) and not doing.again:
        return Reply(f"**{literal(company.name)}** has the tag {literal(name)} already.")
    doing.decide(lambda: {"connection": str(connection.pk), "company": company.remote_id, "tag": name})
    _write(talk, connection, company, {"add_tags": (name,)})
    return Reply(f"Tagged **{literal(company.name)}** with {literal(name)}.")


def _changeable(talk: Talk, args: dict[str, Any]) -> tuple[Connection, Company] | Reply:
    connection = _may(talk, "update_company")
    if isinstance(connection, Reply):
        return connection
    if not options_of(connection).edits:
        system = provider_class(connection.provider).name
        return Reply(
            f"This workspace does not let me change companies in {system}. An admin can allow it in the settings.",
            "error",
        )
    company = about(talk, connection, args)
    return company if isinstance(company, Reply) else (connection, company)


def _write(talk: Talk, connection: Connection, company: Company, values: dict[str, Any]) -> Company:
    """Write, and keep what is there now, so that it counts as ours and the copy is right at once."""
    talk.doing("Changing the company", provider_class(connection.provider).name)
    with closing(provider_for(connection)) as provider:
        take(connection, [provider.update_company(company.remote_id, values)])
    company.refresh_from_db()
    return company


def _may(talk: Talk, ability: str) -> Connection | Reply:
    """The connection, if it can do that."""
    connection = knowing(talk)
    if isinstance(connection, Reply) or ability in (connection.report.get("abilities") or ()):
        return connection
    system = provider_class(connection.provider).name
    return Reply(f"{system} does not let us do this. The page of the connection says what is missing.", "error")
