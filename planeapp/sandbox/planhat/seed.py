"""The customers, people and definitions that a fresh sandbox starts with."""

from __future__ import annotations

from datetime import timedelta

from planeapp.sandbox.planhat.models import COMPANIES, CUSTOM_FIELDS, ENDUSERS, USERS, Model
from planeapp.sandbox.planhat.tenant import Tenant, iso
from planeapp.sandbox.planhat.writing import index_of, insert
from planeapp.sandbox.store import Doc

ROLE = "5f0000000000000000000001"
PEOPLE = (
    ("ada@sandbox.test", "Ada", "Lovelace", False),
    ("bo@sandbox.test", "Bo", "Lindqvist", False),
    ("cleo@sandbox.test", "Cleo", "Marchetti", False),
    ("dag@sandbox.test", "Dag", "Hammar", True),
)
# name, phase, health, owner (index above), ARR, days to renewal, domain, externalId, tags
CUSTOMERS: tuple[tuple[str, str, int, int, int, int, str, str, list[str]], ...] = (
    ("Acme Air", "live", 8, 0, 120000, 45, "acme-air.example", "acme", ["gold", "east coast"]),
    ("Globex Cargo", "live", 6, 1, 84000, 120, "globex.example", "globex", ["silver"]),
    ("Initech", "onboarding", 5, 0, 36000, 300, "initech.example", "initech", []),
    ("Umbrella Ltd", "at risk", 2, 2, 240000, 20, "umbrella.example", "umbrella", ["gold"]),
    ("Northwind", "live", 7, 1, 48000, 200, "northwind.example", "northwind-1", ["silver"]),
    ("Northwind", "onboarding", 6, 2, 18000, 340, "northwind-traders.example", "northwind-2", []),
    ("Soylent Foods", "live", 9, 0, 60000, 90, "soylent.example", "soylent", ["gold"]),
    ("Hooli", "live", 4, 1, 310000, 60, "hooli.example", "hooli", ["gold", "west coast"]),
    ("Stark Sails", "adoption", 7, 2, 27000, 150, "stark-sails.example", "stark", []),
    ("Wonka Works", "adoption", 8, 0, 22500, 260, "wonka.example", "wonka", ["beta"]),
    ("Tyrell Freight", "renewal", 5, 1, 96000, 12, "tyrell.example", "tyrell", ["silver"]),
    ("Vandelay Imports", "live", 6, 2, 15000, 180, "vandelay.example", "", []),
    ("Sirius Ferries & Co", "onboarding", 7, 0, 41000, 330, "sirius.example", "si/rius:1", ["beta"]),
    ("Cyberdyne", "offboarding", 1, 1, 0, -30, "cyberdyne.example", "cyberdyne", []),
)
# company (index above), first name, last name, position, phone, local part of the e-mail
CONTACTS = (
    (0, "Jo", "Berg", "CTO", "+46 70 123 45 67", "jo"),
    (0, "Mia", "Ek", "Ground operations", "+46 70 123 45 68", "mia"),
    (1, "Ravi", "Menon", "Dispatcher", "+44 20 7946 0101", "ravi"),
    (2, "Peter", "Gibbons", "Engineer", "+1 512 555 0142", "peter"),
    (3, "Alice", "Marsh", "CFO", "+44 20 7946 0333", "alice"),
    (4, "Nora", "Dahl", "Planner", "+47 22 12 34 56", "nora"),
    (5, "Nils", "Holm", "Buyer", "+46 8 123 456 78", "nils"),
    (7, "Gavin", "Stone", "VP Product", "+1 650 555 0177", "gavin"),
    (10, "Eva", "Roos", "Head of IT", "+31 20 555 0123", "eva"),
)


def seed(tenant: Tenant) -> None:
    """Fill an empty store; a store that has companies or users is left alone. The world's token is always known."""
    if not tenant.store.all("users"):
        users = _users(tenant)
        companies = _companies(tenant, users)
        _contacts(tenant, companies)
        _definitions(tenant)
    secret = tenant.world.planhat_token
    if tenant.store.get("tokens", secret) is None:
        owner = tenant.store.all("users")[0]["_id"]
        tenant.store.put(
            "tokens",
            secret,
            {"token": secret, "name": "Groundcrew", "userId": owner, "models": "*", "active": True, "region": ""},
        )


def _add(tenant: Tenant, model: Model, body: Doc) -> Doc:
    return insert(tenant, model, body, index_of(tenant, model), origin="page")


def _users(tenant: Tenant) -> list[Doc]:
    return [
        _add(
            tenant,
            USERS,
            {
                "email": email,
                "firstName": first,
                "lastName": last,
                "nickName": first,
                "roles": [ROLE],
                "inactive": gone,
                "removed": gone,
                "image": {"path": ""},
                "createDate": tenant.stamp(),
            },
        )
        for email, first, last, gone in PEOPLE
    ]


def _companies(tenant: Tenant, users: list[Doc]) -> list[Doc]:
    taken: set[str] = set()
    made = []
    for name, phase, health, owner, arr, days, domain, external, tags in CUSTOMERS:
        renewal = (tenant.clock.now() + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
        body: Doc = {
            "name": name,
            "phase": phase,
            "h": health,
            "owner": users[owner]["_id"],
            "arr": arr,
            "mrr": arr / 12,
            "mr": arr / 12,
            "renewalDate": iso(renewal),
            "domains": [domain],
            "externalId": external,
            "tags": list(tags),
            "status": "canceled" if phase == "offboarding" else "customer",
            "customerFrom": iso(renewal - timedelta(days=365)),
        }
        if name in taken:
            body["slug"] = f"{name.lower()}-2"
        taken.add(name)
        made.append(_add(tenant, COMPANIES, body))
    return made


def _contacts(tenant: Tenant, companies: list[Doc]) -> None:
    for number, (company, first, last, position, phone, local) in enumerate(CONTACTS):
        _add(
            tenant,
            ENDUSERS,
            {
                "companyId": companies[company]["_id"],
                "firstName": first,
                "lastName": last,
                "position": position,
                "phone": phone,
                "email": f"{local}@{CUSTOMERS[company][6]}",
                "externalId": f"contact-{number + 1}",
                "featured": number % 3 == 0,
            },
        )


def _definitions(tenant: Tenant) -> None:
    _add(
        tenant,
        CUSTOM_FIELDS,
        {"name": "Plan", "type": "list", "parent": "company", "isHidden": False, "listValues": ["Basic", "Pro"]},
    )
    _add(tenant, CUSTOM_FIELDS, {"name": "Go-live", "type": "date", "parent": "company", "isHidden": False})
