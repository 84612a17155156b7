"""What the sandbox knows about each Planhat model: page sizes, keys, required and computed fields, filters.

Facts are from the Planhat developer docs (the page of each model, and "Bulk upsert").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Model:
    """One REST resource. ``path`` is also the kind under which the store keeps its records."""

    path: str
    name: str
    default: int
    cap: int
    keys: tuple[str, ...] = ("_id", "sourceId", "externalId")
    required: tuple[str, ...] = ()
    filters: dict[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ("tags",)
    references: dict[str, str] = field(default_factory=dict)
    html: tuple[str, ...] = ()
    computed: frozenset[str] = frozenset()
    blank: dict[str, Any] = field(default_factory=dict)
    bulk: bool = True
    bulk_needs_key: bool = False

    @property
    def parent(self) -> str:
        """The lower-case name that custom field definitions use for this model."""
        return self.name.lower()


STAMPS = frozenset({"_id", "__v", "createdAt", "updatedAt"})

COMPUTED_ON_COMPANIES = STAMPS | frozenset(
    (
        *("domains", "mr", "mrr", "arr", "nrr30", "mrTotal", "mrrTotal", "nrrTotal", "licenses", "sales", "products"),
        *("renewalDate", "renewalDaysFromNow", "lastRenewal", "phaseSince", "lastActive", "lastTouch", "lastTouchType"),
        *("nextTouch", "usage", "createDate", "lastUpdated", "shareable"),
    )
)

COMPANIES = Model(
    "companies",
    "Company",
    default=100,
    cap=5000,
    required=("name",),
    texts=("name", "slug", "externalId", "sourceId", "phase", "status", "description", "web"),
    arrays=("tags", "followers", "collaborators"),
    references={"owner": "users", "coOwner": "users"},
    computed=COMPUTED_ON_COMPANIES,
    blank={
        "shareable": {"enabled": False, "euIds": [], "sunits": False},
        "followers": [],
        "domains": [],
        "collaborators": [],
        "products": [],
        "tags": [],
        "licenses": [],
        "sales": [],
        "nrr30": 0,
        "mrr": 0,
        "arr": 0,
        "mr": 0,
        "status": "prospect",
        "custom": {},
        "usage": {},
    },
)

ENDUSERS = Model(
    "endusers",
    "EndUser",
    default=100,
    cap=2000,
    keys=("_id", "sourceId", "externalId", "email"),
    required=("companyId",),
    filters={"c": "companyId", "companyId": "companyId", "email": "email"},
    texts=("email", "name", "firstName", "lastName", "externalId", "sourceId", "position", "phone", "companyName"),
    arrays=("tags", "otherEmails", "personas", "relatedEndusers"),
    references={"companyId": "companies"},
    computed=frozenset(
        {"_id", "__v", "updatedAt", "emailMd5", "lastActive", "beats", "convs14", "convsTotal", "experience"}
    ),
    blank={
        "tags": [],
        "otherEmails": [],
        "personas": [],
        "relatedEndusers": [],
        "featured": False,
        "npsUnsubscribed": False,
        "beats": 0,
        "convs14": 0,
        "convsTotal": 0,
        "experience": 0,
        "custom": {},
    },
)

ISSUES = Model(
    "issues",
    "Issue",
    default=100,
    cap=2000,
    keys=("_id", "sourceId"),
    required=("title",),
    filters={"companyId": "companyIds"},
    texts=("title", "description", "source", "sourceId", "sourceUrl", "priority", "status", "issueType"),
    arrays=("companyIds", "enduserIds", "conversationIds", "followers", "tags"),
    references={"companyIds": "companies", "enduserIds": "endusers"},
    html=("description",),
    computed=STAMPS | {"companies", "endusers", "mrrCombined", "arrCombined"},
    blank={"companyIds": [], "enduserIds": [], "conversationIds": [], "followers": [], "archived": False, "custom": {}},
)

TASKS = Model(
    "tasks",
    "Task",
    default=500,
    cap=10000,
    required=("mainType", "companyId"),
    filters={"companyId": "companyId", "enduserIds": "enduserIds", "isArchived": "isArchived"},
    texts=("mainType", "action", "description", "type", "status", "sourceId", "externalId"),
    arrays=("tags", "users", "endusers", "checklist"),
    references={"companyId": "companies", "ownerId": "users"},
    html=("description",),
    computed=STAMPS | {"ownerName", "companyName"},
    blank={"users": [], "endusers": [], "checklist": [], "isArchived": False, "custom": {}},
    bulk_needs_key=True,
)

CONVERSATIONS = Model(
    "conversations",
    "Conversation",
    default=30,
    cap=2000,
    keys=("_id", "externalId"),
    required=("companyId",),
    filters={"companyId": "companyId"},
    texts=("type", "subject", "description", "externalId"),
    arrays=("tags", "activityTags", "users", "endusers"),
    references={"companyId": "companies"},
    html=("description",),
    computed=STAMPS | {"snippet", "companyName"},
    blank={
        "tags": [],
        "activityTags": [],
        "users": [],
        "endusers": [],
        "archived": False,
        "starred": False,
        "pinned": False,
        "custom": {},
    },
)

USERS = Model(
    "users",
    "User",
    default=10000,
    cap=10000,
    required=("nickName", "firstName", "lastName", "email"),
    filters={"email": "email"},
    texts=("email", "nickName", "firstName", "lastName", "externalId", "sourceId"),
    arrays=("roles", "teams", "managers"),
    computed=STAMPS | {"createDate", "isMyProfile"},
    blank={
        "roles": [],
        "teams": [],
        "managers": [],
        "isHidden": False,
        "removed": False,
        "inactive": True,
        "custom": {},
    },
)

CUSTOM_FIELDS = Model(
    "customfields",
    "CustomField",
    default=100,
    cap=2000,
    keys=("_id",),
    required=("name", "type", "parent", "isHidden"),
    filters={"parent": "parent"},
    texts=("name", "type", "parent", "formula"),
    arrays=("listValues",),
    computed=STAMPS,
    blank={
        "isFeatured": False,
        "isShared": False,
        "isLocked": False,
        "isMandatory": False,
        "isFormula": False,
        "listValues": [],
    },
    bulk=False,
)

MODELS = {model.path: model for model in (COMPANIES, ENDUSERS, ISSUES, TASKS, CONVERSATIONS, USERS, CUSTOM_FIELDS)}
# Tickets are written at their own address and come back as conversations of type "ticket".
TICKETS = Model(
    "tickets", "Conversation", default=100, cap=10000, keys=("sourceId",), filters={"companyId": "companyId"}
)
CALLS, METRICS = "calls", "dimensiondata"
EVERY_MODEL = (*MODELS, TICKETS.path, CALLS, METRICS)
