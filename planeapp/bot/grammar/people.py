"""Contacts, phases and tags: short texts that belong to a company."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Any

from planeapp.bot.grammar import names
from planeapp.bot.grammar.outcome import NotACommand, Unclear
from planeapp.bot.grammar.speech import MAIL, QUOTE, Speech

_MAIL = re.compile(rf"{MAIL}+")
_AS_CONTACT = re.compile(
    r"\bas\s+(?:a\s+|the\s+)?(?:new\s+)?contact(?:\s+person)?\b|\b(?:with\s+|using\s+)?(?:the\s+|her\s+|his\s+)?"
    r"(?:e-?mail(?:\s+address)?|mailto)\b:?|(?:\bwith\s+)?(?:\bthe\s+)?\bnamed?\b:?|^\s*person\b|\bas\b(?=\s+\w)|\bcalled\b|\b(?:to|in)\s+(?:the\s+|our\s+)?contacts?(?:\s+list)?(?=\W*$)|\bcontact(?:\s+person)?\b"
)
_AT = re.compile(r"(?:^|\s)(?:to|at|for|from|of|with|in)\s+(?=\S)")
_LIST_OF = re.compile(
    r"(?<!\w)(?:the\s+)?(?:list\s+of\s+)?contacts?(?:\s+list)?\s+(?:of|at|for|in)(?!\w)|'s\s+contacts?(?:\s+list)?(?!\w)"
)
_BEFORE_MAIL = re.compile(r"\s+(?:for|with|is|at|via|and)\s*$")
_THEN_PERSON = re.compile(r"\s*[:,]\s*(?=\S)")
_THEN_COMPANY = re.compile(r"([^,]+),\s+([^,]+)")
_PHASE_TO = re.compile(r"\s*(?:to|=|:|as|is)\s*")
_FOR = re.compile(r"(?:\s(?:for|on|of)|(?<=\S)\sat)\s+(?=\S)")  # "at risk" is a phase
_OF = re.compile(r"\s*(?:of|for|on)\s+")
_TO = re.compile(r"(?:\s(?:to|as)|\s*[=:])\s+")
_AS_FIRST = re.compile(r"(?:as|with)\s+(?:an?\s+|the\s+)?(?:tag\s+)?(?=\S)")
_AS = re.compile(r"\s(?:as|with)\s+(?:an?\s+|the\s+)?(?:tag\s+)?")
_OF_THE = re.compile(
    r"[\s,:]*(?:(?:of|for|on|at|from)\s+)?(?:(?:the|this|our)\s+)?(?:customer|company|account|client|(?:work\s+)?item|it|this)s?"
    r"(?=\W|$)"
)
_LISTED = re.compile(rf",|\s(?:and|or|&|for|to|tomorrow|today|next)\s|[{QUOTE}{MAIL}]")
_LIKE = "Please write it like: add contact Jo Smith jo@acme.example to Acme."
_THE_CUSTOMER = re.compile(
    r"\s*(?:(?:the|this|our)\s+)?(?:customer|company|account|client|(?:work\s+)?item|task|issue|ticket|it|this|that|them)(?=\s|$)"
)


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
    front = said.part(0, mail.start()).without(_AS_CONTACT)
    if left := _BEFORE_MAIL.search(front.low):
        front = front.part(0, left.start())
    name, company = _name_and_company(front, said.part(mail.end()).without(_AS_CONTACT), args["email"], known)
    return args | ({"name": name} if name else {}) | ({"company": company} if company else {})


def _name_and_company(front: Speech, back: Speech, email: str, known: Collection[str]) -> tuple[str, str]:
    person, company = _person_at(front)
    after, place = _person_at(back)
    in_brackets = back.low.lstrip().startswith(("(", "<"))
    if not (person or company or place) and (both := _THEN_COMPANY.fullmatch(after.low)):
        after, place = after.part(*both.span(1)), after.part(*both.span(2))
    if after and not in_brackets and not place and _is_company(after, bool(person), email):
        after, place = Speech("", ""), after
    if (person and after) or (company and place):
        raise Unclear(_LIKE)
    person, company = person or after, company or place
    return names.company(person) if person else "", _company(company, known) if company else ""


def _person_at(side: Speech) -> tuple[Speech, Speech]:
    """The person and the company on one side of the address: "Jo Smith at Acme", "for Acme: Jo Smith"."""
    side = side.without(_LIST_OF)
    at = _AT.search(side.low)
    person, place = (side.part(0, at.start()), side.part(at.end())) if at else (side, Speech("", ""))
    if not person and (cut := _THEN_PERSON.search(place.low)):
        person, place = place.part(cut.end()), place.part(0, cut.start())
    return person.trimmed(" \n,;:.!?-()<>\"'"), place.trimmed(" \n,;:!?-()<>")


def _is_company(said: Speech, person_known: bool, email: str) -> bool:
    """Whether words behind the address, with nothing said about them, are a company: by the address itself."""
    local, _, domain = _plain(email).partition("@")
    words = [word for word in re.findall(r"\w+", _plain(said.text)) if len(word) > 1]
    if person_known or any(word in domain for word in words):
        return True
    if any(word in local for word in words):
        return False
    raise Unclear(_LIKE)


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))


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


_ANY_CUSTOMER = re.compile(r"(?:the\s+)?(?:customer|company|account|client)\s")
_SEVERAL = re.compile(r",|\s(?:and|or)\s")
_TO_COMPANY = re.compile(r"\s(?:to|for|on)\s+(?=\S)")
_SOME_THING = re.compile(r"(?:[Tt]he|[Aa]n?|[Mm]y|[Yy]our|[Oo]ur)\s+[a-z]")  # "tag the commit"
_A_THING = re.compile(r"(?:the|a|an)\s+(?!customer|company|account|client)[a-z]+\W*$")
_FOR_COMPANY = re.compile(r"\s(?:for|on)\s+(?=\S)")


def label(said: Speech, question: str) -> str:
    """A phase or a tag as written, without quotes; a sentence is not one, and an empty one is a question."""
    said = said.trimmed(" \n,;:.!?-#")
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


def tag(said: Speech, known: Collection[str], adding: bool, whose: Speech | None = None) -> dict[str, Any]:
    """``tag``, and ``company`` when said. Without quotes, "as" or a known company, the last word is the tag."""
    question = "Which tag? Please write it like: tag Acme gold."
    said = said.trimmed(" \n,;:.!?-#=")
    if not said:
        raise Unclear(question)
    names.refuse_statement(said)
    if (first := _AS_FIRST.match(said.low)) and not adding:
        said, adding = said.part(first.end()), True
    if whose:
        return {"tag": label(said, question)} | _said(_company(whose, known))
    if to := (_TO_COMPANY if adding else _FOR_COMPANY).search(said.low):
        if _A_THING.match(said.low, to.end()):
            raise NotACommand
        return {"tag": label(said.part(0, to.start()), question)} | _said(_company(said.part(to.end()), known))
    if split := _AS.search(said.low):
        return {"tag": label(said.part(split.end()), question)} | _said(_company(said.part(0, split.start()), known))
    if adding:
        return {"tag": label(said, question)}
    return _company_then_tag(said, known, question)


def _company_then_tag(said: Speech, known: Collection[str], question: str) -> dict[str, Any]:
    here = _THE_CUSTOMER.match(said.low)
    if here and (named := said.part(here.end())) and _ANY_CUSTOMER.match(said.low) and _is_pair(named.trimmed(" ")):
        said, here = named.trimmed(" "), None
    if _SEVERAL.search(said.low) and not _known_prefix(said, known):
        raise Unclear("One company and one tag at a time, please. Which?")
    if not here and _SOME_THING.match(said.text):
        raise NotACommand
    if here and not said.part(here.end()):
        raise Unclear(question)
    if here:
        return {"tag": label(said.part(here.end()), question)}
    place = _known_prefix(said, known) or _last_word(said)
    if place == 0:
        return {"tag": label(said, question)}
    return {"tag": label(said.part(place), question), "company": names.company(said.part(0, place), known)}


def _is_pair(said: Speech) -> bool:
    """ "Acme gold": a name and a tag, not a tag of two words."""
    return (said.text[:1].isupper() or said.low[:1] == QUOTE) and _last_word(said) > 0


def _known_prefix(said: Speech, known: Collection[str]) -> int:
    low = said.low + " "
    text = said.text.lower() + " "
    fitting = [len(name) for name in known if text.startswith(f"{name.lower()} ") and len(low) > len(name) + 1]
    return max(fitting, default=0)


def _last_word(said: Speech) -> int:
    """Where the last word begins (a quoted text is one word); 0 when it is the only one."""
    words = list(re.finditer(rf"{QUOTE}+|\S+", said.low))
    return words[-1].start() if len(words) > 1 else 0
