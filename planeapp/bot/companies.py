"""Commands that tie items to companies and tell about them: ties are ours, the engine carries them over."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from planeapp.bot.carrying import bring
from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing
from planeapp.bot.linking import about, knowing, one, tied
from planeapp.customers import ties
from planeapp.customers.cache import facts
from planeapp.customers.finding import concerned
from planeapp.customers.models import Company
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import GroundcrewError
from planeapp.lib.folding import folded
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.providers.base import Contact
from planeapp.sync.models import ItemLink, Tie

MOST_CARDS = 5
MOST_CONTACTS = 20
FEW_CONTACTS = 3
OPEN = ("backlog", "unstarted", "started")


def link(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Tie the item to each named company; an ambiguous name is asked about, and then nothing is tied."""
    connection = knowing(talk)
    if isinstance(connection, Reply):
        return connection
    found: list[Company] = []
    for name in args["companies"]:
        company = one(talk, connection, name, "companies")
        if isinstance(company, Reply):
            return company
        found.append(company)
    known = {company.remote_id for company in tied(talk, connection)}
    fresh = [company.remote_id for company in found if company.remote_id not in known]
    doing.decide(lambda: {"connection": str(connection.pk), "tied": fresh})
    return _tie(talk, connection, found)


def _tie(talk: Talk, connection: Connection, companies: list[Company]) -> Reply:
    pair = talk.pair(connection)
    values = talk.item.values
    for company in companies:
        people = concerned(connection, company, str(values.get("reporter") or ""))
        key = str(values.get("key") or "")
        ties.tie(connection, talk.project, talk.item_id, company, item_key=key, contacts=people)
    names = _names(companies)
    system = provider_class(connection.provider).name
    if pair is None:
        return Reply(f"Noted {names}. The project is not paired in {system} yet, so nothing was sent there.")
    talk.doing("Showing this work item on the company", system)
    failed = bring(pair, talk.item_id).failed.get(talk.item_id)
    if failed is not None:
        return Reply(f"Noted {names}, but {system} did not take it. {literal(failed.person)}", "error")
    return Reply(f"Linked to {names}. {system} now shows this work item there.")


def unlink(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Take companies off the item, also those that a label or a rule ties it to."""
    connection = knowing(talk)
    if isinstance(connection, Reply):
        return connection
    companies = _meant(tied(talk, connection), args["companies"])
    if isinstance(companies, Reply) and not doing.again:
        return companies
    ids = [company.remote_id for company in companies] if not isinstance(companies, Reply) else []
    plan = doing.decide(lambda: {"connection": str(connection.pk), "untied": ids})
    names = {company.remote_id: company for company in connection.companies.filter(remote_id__in=plan["untied"])}
    key = str(talk.item.values.get("key") or "")
    for party_id in plan["untied"]:
        if not ties.untie(connection, talk.item_id, party_id):
            name = names[party_id].name if party_id in names else party_id
            ties.shut_out(connection, talk.project, talk.item_id, party_id, name, key)
    pair = talk.pair(connection)
    failed = bring(pair, talk.item_id).failed.get(talk.item_id) if pair else None
    told = _names(list(names.values()))
    if failed is not None:
        system = provider_class(connection.provider).name
        return Reply(f"Unlinked from {told} here, but {system} did not take it. {literal(failed.person)}", "error")
    return Reply(f"Unlinked from {told}.")


def _meant(companies: list[Company], names: list[Any]) -> list[Company] | Reply:
    """Those of the item's companies that are named: by the whole name, else by its beginning if that fits one."""
    found: list[Company] = []
    for name in names:
        wanted = name["id"] if isinstance(name, dict) else folded(name)
        same = [company for company in companies if wanted in (company.folded, company.remote_id)]
        fitting = same or [company for company in companies if company.folded.startswith(wanted)]
        if len(fitting) != 1:
            listed = _names(companies) if companies else "no company"
            return Reply(f"This item is linked to {listed}. I did not understand which one to take off.", "error")
        found.append(fitting[0])
    return found


def customer(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Who waits for this item, with what is known of them."""
    connection = knowing(talk)
    if isinstance(connection, Reply):
        return connection
    companies = [] if args.get("company") else tied(talk, connection)
    if not companies:
        company = about(talk, connection, args)
        if isinstance(company, Reply):
            return company
        companies = [company]
    with closing(provider_for(connection)) as provider:
        cards = [_card(connection, company, _people(provider.contacts, company)) for company in companies[:MOST_CARDS]]
    more = len(companies) - MOST_CARDS
    return Reply("\n\n".join([*cards, *([f"… and {more} more."] if more > 0 else [])]))


def _people(read: Any, company: Company) -> list[Contact] | None:
    """The company's people; None when they cannot be read now: the card shows what is known without them."""
    try:
        return list(read(company.remote_id))
    except GroundcrewError:
        return None


def _card(connection: Connection, company: Company, people: list[Contact] | None) -> str:
    name = f"[{literal(company.name)}]({company.url})" if company.url else literal(company.name)
    lines = [f"**{name}**" if not company.url else name]
    lines += [f"- {title}: {literal(text)}" for title, text in facts(company)]
    lines.append(f"- Open work items: {open_items(connection, company.remote_id)}")
    if people is None:
        lines.append("- Contacts: cannot be read just now")
    elif people:
        told = ", ".join(_contact(person) for person in people[:FEW_CONTACTS])
        lines.append(
            f"- Contacts: {told}" + (f" and {len(people) - FEW_CONTACTS} more" if len(people) > FEW_CONTACTS else "")
        )
    return "\n".join(lines)


def open_items(connection: Connection, party_id: str) -> int:
    """How many open work items wait for a company."""
    items = Tie.objects.filter(connection=connection, party_id=party_id, state=Tie.State.ACTIVE).values("item_id")
    links = ItemLink.objects.filter(pair__connection=connection, state=ItemLink.State.LINKED, item_id__in=items)
    return links.filter(ours__state__in=OPEN).values("item_id").distinct().count()


def contacts(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """A company's people."""
    connection = knowing(talk)
    if isinstance(connection, Reply):
        return connection
    company = about(talk, connection, args)
    if isinstance(company, Reply):
        return company
    with closing(provider_for(connection)) as provider:
        people = list(provider.contacts(company.remote_id))
    if not people:
        system = provider_class(connection.provider).name
        return Reply(
            f"{system} knows no contacts of **{literal(company.name)}**. Write: add contact jo@acme.example to Acme."
        )
    lines = [f"- {_contact(person)}" for person in people[:MOST_CONTACTS]]
    lines += [f"… and {len(people) - MOST_CONTACTS} more."] if len(people) > MOST_CONTACTS else []
    return Reply("\n".join([f"Contacts of **{literal(company.name)}**:", *lines]))


def _contact(person: Contact) -> str:
    rest = ", ".join(literal(text) for text in (person.position, person.email, person.phone) if text)
    name = literal(person.name or person.email)
    return f"{name} ({rest})" if rest and rest != name else name


def _names(companies: list[Company]) -> str:
    return " and ".join(f"**{literal(company.name)}**" for company in companies)
