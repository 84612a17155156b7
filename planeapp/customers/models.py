"""Companies as the other system told them last, what stands for them in Plane, and rules on what changes about them."""

from __future__ import annotations

import uuid

from django.db import models

from planeapp.installations.models import Connection


class Book(models.Model):
    """What is known of one connection's companies as a whole: how far they were read, and what an admin has chosen.

    ``number`` counts the whole looks that came to their end; before the first one nothing counts as a change. ``cursor``
    and ``seen`` belong to the whole look that is under way (``begun_at`` is set then). ``newest`` is the vendor's own mark
    of the last change that we know. ``options``: see ``planeapp.customers.options.Options``.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="book")
    number = models.PositiveIntegerField(default=0)
    begun_at = models.DateTimeField(null=True)
    cursor = models.CharField(max_length=200, blank=True, default="")
    steady = models.BooleanField(default=True)
    seen = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    newest = models.CharField(max_length=100, blank=True, default="")
    allow_once = models.BooleanField(default=False)  # a person agreed that so many companies are gone
    stopped = models.CharField(max_length=500, blank=True, default="")  # why the last whole look removed nothing
    options = models.JSONField(default=dict)


class Company(models.Model):
    """A company of the other system, as read last.

    ``values`` are :attr:`planeapp.providers.base.Company.values`; ``fingerprint`` is theirs, so that a look that finds
    nothing new writes nothing. ``scan`` is the number of the whole look that saw it last. ``counts`` are the figures of its
    work items as written over there last; ``finished`` counts how often all of its work was done.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="companies")
    remote_id = models.CharField(max_length=200)
    name = models.CharField(max_length=255)
    folded = models.CharField(max_length=255)
    external_id = models.CharField(max_length=255, blank=True, default="")
    source_id = models.CharField(max_length=255, blank=True, default="")
    url = models.URLField(max_length=500, blank=True, default="")
    values = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)
    scan = models.PositiveIntegerField(default=0)
    gone_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    finished = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="one_row_per_company")]
        indexes = [
            models.Index(fields=["connection", "folded"], name="company_by_name"),
            models.Index(fields=["connection", "external_id"], name="company_by_external_id"),
        ]


class CompanyDomain(models.Model):
    """An internet domain of a company, lower-case."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="domains")
    domain = models.CharField(max_length=255, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "domain"], name="domain_once_per_company")]


class CompanyChange(models.Model):
    """One value of a company that changed since it was read before. ``field`` ``created``: the company itself is new."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="changes")
    field = models.CharField(max_length=120)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["company", "-at"], name="changes_of_a_company")]


class Reference(models.Model):
    """Something in Plane that stands for a company: a Plane customer (``key`` its id) or a label (its folded name).

    ``company`` is set when it is clear which one is meant; ``how`` says by what. A person's choice (``decided_by``) stays
    whatever matching would say. ``shown`` is the fingerprint of what a Plane customer shows of its company.
    """

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Plane customer"
        LABEL = "label", "Label"

    class State(models.TextChoices):
        MATCHED = "matched", "Matched"
        AMBIGUOUS = "ambiguous", "Several fit"
        UNMATCHED = "unmatched", "None fits"
        IGNORED = "ignored", "Left out by a person"

    class How(models.TextChoices):
        PERSON = "person", "chosen by a person"
        CUSTOMER = "customer", "Plane customer that we made"
        EXTERNAL_ID = "external_id", "external id"
        DOMAIN = "domain", "domain"
        NAME = "name", "name"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="references")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    domain = models.CharField(max_length=255, blank=True, default="")
    external_id = models.CharField(max_length=255, blank=True, default="")
    company = models.ForeignKey(Company, models.SET_NULL, null=True, related_name="references")
    state = models.CharField(max_length=10, choices=State, default=State.UNMATCHED)
    how = models.CharField(max_length=12, choices=How, blank=True, default="")
    candidates = models.JSONField(default=list)  # remote ids, best first
    decided_by = models.CharField(max_length=200, blank=True, default="")
    shown = models.CharField(max_length=64, blank=True, default="")
    looked_at = models.DateTimeField(null=True)  # when its work items were read last (or names like it were sought)
    gone_at = models.DateTimeField(null=True)  # it is no longer there in Plane
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind", "key"], name="one_reference_per_thing")]
        indexes = [models.Index(fields=["connection", "state"], name="references_by_state")]


class CompanyRule(models.Model):
    """When something changes about a company, then do this in Plane.

    ``when``, ``only`` and ``then`` are the parts of ``planeapp.customers.rules.RuleSpec`` as plain data. ``armed_at``: only
    what changes after this moment counts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="company_rules")
    name = models.CharField(max_length=120)
    enabled = models.BooleanField(default=False)
    when = models.JSONField(default=dict)
    only = models.JSONField(default=list)
    then = models.JSONField(default=list)
    armed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "name"], name="rule_names_differ")]


class Firing(models.Model):
    """One time that a rule fired for a company, decided in the transaction that stored the change, worked off later.

    ``occasion`` names the change, so that a rule fires once for it however often it is told. ``plan`` is what it was
    decided to do (a list of plain data, see ``planeapp.customers.rules``); ``done`` of its steps are done, with ``results``.
    A firing is *held* while a whole look goes on, and stays so when its rule fired far more often than usual.
    """

    class State(models.TextChoices):
        HELD = "held", "Held back"
        WAITING = "waiting", "Under way"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        DROPPED = "dropped", "Dropped by a person"
        KNOWN = "known", "Was so before the rule"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule = models.ForeignKey(CompanyRule, models.CASCADE, related_name="firings")
    company = models.ForeignKey(Company, models.CASCADE, related_name="firings")
    change = models.ForeignKey(CompanyChange, models.SET_NULL, null=True, related_name="firings")
    occasion = models.CharField(max_length=120)
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    plan = models.JSONField(default=list)
    done = models.PositiveIntegerField(default=0)
    results = models.JSONField(default=list)
    detail = models.CharField(max_length=500, blank=True, default="")
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "company", "occasion"], name="fires_once_per_occasion")]
        indexes = [models.Index(fields=["state", "due_at"], name="firings_by_state")]


class Errand(models.Model):
    """Work for one connection that is due once, however often it was asked for. ``kind``: see ``planeapp.customers.work``."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="errands")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=200, blank=True, default="")
    asked = models.PositiveIntegerField(default=1)
    due_at = models.DateTimeField(db_index=True)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    detail = models.CharField(max_length=500, blank=True, default="")  # why it waits, for people

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind", "key"], name="one_errand_of_a_kind")]
