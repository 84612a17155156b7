"""The two ways in which words that start like a command are not one."""

from __future__ import annotations


class Unclear(Exception):
    """The person means a command and something is missing or could mean two things; ``question`` is what to ask.

    ``about``: the words that call the command, where it is known by then.
    """

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question
        self.about = ""


class NotACommand(Exception):
    """The words only look like a command ("the link is broken"): nothing is done and nothing is asked."""
