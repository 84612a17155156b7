"""What an admin has chosen about the companies of one connection. Everything that writes is off until it is chosen."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from planeapp.customers.book import book_of
from planeapp.customers.models import Book
from planeapp.installations.models import Connection


class Options(BaseModel):
    """Unknown keys are refused by name.

    ``label_prefix``: labels that begin so name a company (``customer: Acme``). ``customers``: whether Plane customers are
    read and matched, and which companies are shown as such. ``labels``: tied work items get a label that names the company.
    ``card``: open tied work items get one comment with the companies' facts. ``tallies``: figures of its work stand on the
    company over there. ``finished``: what is left there when all work for a company is done. ``edits``: the bot may set
    phases and tags.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label_prefix: str = ""
    customers: Literal["off", "read", "linked", "all"] = "off"
    labels: bool = False
    card: bool = False
    tallies: bool = False
    finished: Literal["off", "note", "task"] = "off"
    edits: bool = False


def options_of(connection: Connection) -> Options:
    """The options in force."""
    return Options.model_validate(book_of(connection).options)


def save_options(connection: Connection, options: Options) -> None:
    """Keep the options; only what differs from the default is stored."""
    Book.objects.filter(pk=book_of(connection).pk).update(options=options.model_dump(exclude_defaults=True))
