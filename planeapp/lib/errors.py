"""The error family. Each class says what to do next; nothing else is caught by name outside the vendors' folders.

Every error carries two texts: ``str(error)`` is for the log (method, address, status, the vendor's message; never a
secret), ``error.person`` is what a person reads: short, plain, with the next step.
"""

from __future__ import annotations


class GroundcrewError(Exception):
    """Base of the family. ``code`` is the reason code that timelines and deliveries show."""

    code = "error"
    default_person = (
        "Something went wrong on our side. Please try again; if it stays, tell the people who run this app."
    )

    def __init__(self, detail: str = "", *, person: str = "", code: str = "") -> None:
        super().__init__(detail or person or self.default_person)
        self.person = person or self.default_person
        if code:
            self.code = code


class RetryLater(GroundcrewError):
    """Nothing is wrong with the request: try the same again after ``delay`` seconds (None: the caller's own backoff)."""

    code = "retry_later"
    default_person = "The other system did not answer just now. We try again on our own."

    def __init__(self, detail: str = "", *, delay: float | None = None, person: str = "", code: str = "") -> None:
        super().__init__(detail, person=person, code=code)
        self.delay = delay


class OutOfQuota(RetryLater):
    """The other system's rate limit is used up for ``delay`` seconds; this connection pauses, others go on."""

    code = "waiting_for_quota"
    default_person = "The other system's limit on calls is used up for the moment. We go on when it allows."


class ReconnectNeeded(GroundcrewError):
    """The credential is refused for good: an admin has to connect again. No retry helps."""

    code = "reconnect_needed"
    default_person = "The connection is no longer accepted. An admin has to connect it again in the settings."


class FixSettings(GroundcrewError):
    """The other system refuses what our settings make us send: a person has to change them, then retry."""

    code = "fix_settings"
    default_person = "The settings do not fit the other system. Please check them and try again."


class AskPerson(GroundcrewError):
    """Only a person can decide (an ambiguous name, a conflict, a run that would change too much)."""

    code = "ask_person"
    default_person = "This needs a decision by a person."


class OutcomeUnknown(GroundcrewError):
    """A write was sent and its answer was lost: look for our mark before writing again."""

    code = "outcome_unknown"
    default_person = "The other system did not confirm the change. We look whether it happened before we try again."


class Gone(GroundcrewError):
    """What was asked for is not there (deleted, archived, or closed to us): fetch the list again."""

    code = "gone"
    default_person = "This is no longer there, or we may not see it."


class Refused(GroundcrewError):
    """The person may not do this, or the request is not one we serve. Nothing was changed."""

    code = "refused"
    default_person = "You may not do this. Ask an admin of the workspace."
