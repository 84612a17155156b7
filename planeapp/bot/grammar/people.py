"""Contacts, phases and tags: short texts that belong to a company."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from planeapp.bot.grammar import names
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.speech import MAIL, QUOTE, Speech

_MAIL = re.compile(rf"{MAIL}+")
_AS_CONTACT = re.compile(
    r"\bas\s+(?:a\s+|the\s+)?(?:new\s+)?contact(?:\s+person)?\b|\be-?mail\b|\bnamed\b|\bcalled\b|\bcontact\b"
)
_AT = re.compile(r"(?:^|\s)(?:to|at|for|from|of|with)\s+(?=\S)")
_PHASE_TO = re.compile(r"\s*(?:to|=|:|as|is)\s*")
_FOR = re.compile(r"\s(?:for|on|of|at)\s+(?=\S)")
_OF = re.compile(r"\s*(?:of|for|on)\s+")
_TO = re.compile(r"\s(?:to|as|=|:)\s+")
_AS = re.compile(r"\s(?:as|with)\s+(?:an?\s+|the\s+)?(?:tag\s+)?")
_OF_THE = re.compile(
    r"[\s,:]*(?:(?:of|for|on|at|from)\s+)?(?:(?:the|this|our)\s+)?(?:customer|company|account|client|it|this)s?(?=\W|$)"
)
_LISTED = re.compile(rf",|\s(?:and|or|&|for|to|tomorrow|today|next)\s|[{QUOTE}{MAIL}]")
_THE_CUSTOMER = re.compile(r"\s*(?:(?:the|this|our)\s+)?(?:customer|company|account|client|it|this)(?=\s|$)")


def contact(said: Speech, known: Collection[str], bare: bool) -> dict[str, Any]:
    """``email``, and ``name`` and ``company`` when said. ``bare``: after "add" alone it is prose without one."""
    mails = list(_MAIL.finditer(said.low))
    if not mails:
        if bare:
            raise NotACommand
        raise Unclear("Which e-mail address? Please write it like: add contact jo@acme.example to Acme.")
    if len(mails) > 1:
        raise Unclear("One contact at a time, please. Which e-mail address?")
    mail = mails[0]
    args: dict[str, Any] = {"email": said.text[mail.start() : mail.end()]}
    around = [said.part(0, mail.start()).without(_AS_CONTACT), said.part(mail.end()).without(_AS_CONTACT)]
    name, company = _name_and_company(around, known)
    return args | ({"name": name} if name else {}) | ({"company": company} if company else {})


def _name_and_company(around: list[Speech], known: Collection[str]) -> tuple[str, str]:
    people: list[str] = []
    companies: list[str] = []
    for side in around:
        at = _AT.search(side.low)
        person = side.part(0, at.start()) if at else side
        if person := person.trimmed(" \n,;:.!?-()<>\"'"):
            people.append(names.company(person))
        if at and (place := side.part(at.end()).trimmed(" \n,;:!?-()<>")):
            companies.append(names.company(place, known))
    if len(people) > 1 or len(companies) > 1:
        raise Unclear("Please write it like: add contact Jo Smith jo@acme.example to Acme.")
    return "".join(people), "".join(companies)


def phase(said: Speech, whose: Speech | None, known: Collection[str], bare: bool) -> dict[str, Any]:
    """``phase``, and ``company`` when said. ``bare``: only "phase" was heard, which needs a colon to be a command."""
    if bare and not said.low.lstrip().startswith((":", "=")):
        raise NotACommand
    company = names.company(whose, known) if whose and not is_own(whose) else ""
    if not company and (of := _OF.match(said.low)) and (to := _TO.search(said.low)):
        company, said = _company(said.part(of.end(), to.start()), known), said.part(to.end())
    elif to := _PHASE_TO.match(said.low):
        said = said.part(to.end())
    if not company and (place := _FOR.search(said.low)):
        company, said = _company(said.part(place.end()), known), said.part(0, place.start())
    return {"phase": label(said, "Which phase? Please write it like: set phase onboarding.")} | _said(company)


def _said(company: str) -> dict[str, str]:
    return {"company": company} if company else {}


def _company(said: Speech, known: Collection[str]) -> str:
    """A company's name, or "" for "this" and "the customer", which mean the item's own."""
    here = _THE_CUSTOMER.match(said.low)
    return "" if here and not said.part(here.end()) else names.company(said, known)


def is_own(said: Speech) -> bool:
    """Whether "this customer" or the like was said, which means the item's own company."""
    at = _OF_THE.match(said.low)
    return bool(at) and not said.part(at.end() if at else 0)


def label(said: Speech, question: str) -> str:
    """A phase or a tag as written, without quotes; a sentence is not one, and an empty one is a question."""
    said = said.trimmed(" \n,;:.!?-")
    if set(said.low) == {QUOTE}:
        text = said.text.strip("\"' ")
        if text:
            return text
    if not said:
        raise Unclear(question)
    names.refuse_statement(said)
    if _LISTED.search(said.low) or len(said.low.split()) > names.LONGEST_WORDS:
        raise Unclear(f"Is “{said.text[:60]}” one thing? If so, please put it in quotes.")
    return " ".join(said.text.split())


def tag(said: Speech, known: Collection[str], adding: bool) -> dict[str, Any]:
    """``tag``, and ``company`` when said. Without quotes, "as" or a known company, the last word is the tag."""
    question = "Which tag? Please write it like: tag Acme gold."
    said = said.trimmed(" \n,;:.!?-")
    if not said:
        raise Unclear(question)
    names.refuse_statement(said)
    if adding and (to := re.search(r"\s(?:to|for|on)\s+(?=\S)", said.low)):
        return {"tag": label(said.part(0, to.start()), question)} | _said(_company(said.part(to.end()), known))
    if split := _AS.search(said.low):
        return {"tag": label(said.part(split.end()), question)} | _said(_company(said.part(0, split.start()), known))
    if adding:
        return {"tag": label(said, question)}
    return _company_then_tag(said, known, question)


def _company_then_tag(said: Speech, known: Collection[str], question: str) -> dict[str, Any]:
    here = _THE_CUSTOMER.match(said.low)
    if here and said.part(here.end()):
        return {"tag": label(said.part(here.end()), question)}
    place = _known_prefix(said, known) or _last_word(said)
    if place == 0:
        return {"tag": label(said, question)}
    return {"tag": label(said.part(place), question), "company": names.company(said.part(0, place), known)}


def _known_prefix(said: Speech, known: Collection[str]) -> int:
    low = said.low + " "
    text = said.text.lower() + " "
    fitting = [len(name) for name in known if text.startswith(f"{name.lower()} ") and len(low) > len(name) + 1]
    return max(fitting, default=0)


def _last_word(said: Speech) -> int:
    """Where the last word begins (a quoted text is one word); 0 when it is the only one."""
    words = list(re.finditer(rf"{QUOTE}+|\S+", said.low))
    return words[-1].start() if len(words) > 1 else 0
