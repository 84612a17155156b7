"""The two ways in which words that start like a command are not one."""

from __future__ import annotations


class Unclear(Exception):
    """The person means a command and something is missing or could mean two things; ``question`` is what to ask."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


class NotACommand(Exception):
    """The words only look like a command ("the link is broken"): nothing is done and nothing is asked."""
