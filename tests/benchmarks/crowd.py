"""A workspace in which very much has happened: rows made by the database itself, in seconds. Needs PostgreSQL."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import connection as database
from django.db.models import AutoField

from planeapp.installations.models import Connection
from planeapp.sync.models import ProjectPair

ITEMS, LINES, COMPANIES = 100_000, 1_000_000, 20_000
INSERT = re.compile(r"INSERT INTO (?P<table>\w+) \((?P<columns>.*?)\)\s+SELECT ", re.DOTALL)
RUNS, MESSAGES, AUDITS, CHANGES = 60_000, 200_000, 20_000, 60_000


def fill(planner: Connection, planhat: Connection, pairs: list[ProjectPair]) -> None:
    """Everything, and the database's statistics over it."""
    known = {
        "installation": planner.installation_id, "workspace": str(planner.installation.workspace_id), "planner": planner.pk,
        "planhat": planhat.pk, "pairs": [pair.pk for pair in pairs], "items": ITEMS, "lines": LINES, "runs": RUNS,
        "messages": MESSAGES, "audits": AUDITS, "companies": COMPANIES, "changes": CHANGES,
    }  # fmt: skip
    with database.cursor() as cursor:
        for statement in (*ENGINE, *COMPANY, *AROUND):
            cursor.execute(*_whole(statement, known))
        cursor.execute("VACUUM ANALYZE")


def _whole(statement: str, known: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The statement with the defaults of those columns that it leaves out and that cannot be null."""
    found = INSERT.match(statement)
    assert found is not None
    named = {name.strip() for name in found["columns"].split(",")}
    [model] = (one for one in apps.get_models() if one._meta.db_table == found["table"])
    left_out = [field for field in model._meta.concrete_fields if field.column not in named and not _is_free(field)]
    defaults = {f"default_{field.column}": field.get_db_prep_save(field.get_default(), database) for field in left_out}
    columns = ", ".join([*(field.column for field in left_out), found["columns"]])
    values = "".join(f"%({name})s, " for name in defaults)
    return f"INSERT INTO {found['table']} ({columns}) SELECT {values}{statement[found.end() :]}", known | defaults


def _is_free(field: Any) -> bool:
    return isinstance(field, AutoField) or (field.null and not field.has_default())


ENGINE = (
    """INSERT INTO sync_itemlink (id, item_id, item_key, remote_id, remote_url, state, ours, theirs, made_by_us, seen, shown,
                                  created_at, updated_at, pair_id)
       SELECT gen_random_uuid(), md5('item' || n)::uuid, 'CUST-' || n, 'row-' || n, 'https://planner.example/b/' || n,
              CASE WHEN n %% 50 = 0 THEN 'unlinked' ELSE 'linked' END,
              jsonb_build_object('title', 'Work ' || n, 'start_date', '2026-11-20'),
              jsonb_build_object('title', 'Work ' || n, 'start_date', '2026-11-20'), true, '', true, now(), now(),
              (%(pairs)s::uuid[])[1 + n %% cardinality(%(pairs)s::uuid[])]
       FROM generate_series(1, %(items)s) n""",
    """INSERT INTO sync_syncrun (id, pair_id, kind, whole, state, counts, detail, started_at, finished_at)
       SELECT md5('run' || n)::uuid, (%(pairs)s::uuid[])[1 + n %% cardinality(%(pairs)s::uuid[])], 'sync', n / 10 %% 6 = 0,
              CASE WHEN n %% 97 = 0 THEN 'failed' ELSE 'done' END,
              CASE WHEN n / 10 %% 6 = 0 THEN '{}'::jsonb ELSE '{"update vendor": 1}'::jsonb END, '',
              now() - n * interval '90 days' / %(runs)s, now() - n * interval '90 days' / %(runs)s + interval '2 seconds'
       FROM generate_series(1, %(runs)s) n""",
    """INSERT INTO sync_runchange (run_id, link_id, kind, side, item_id, item_key, remote_id, before, after, done, kept, at)
       SELECT r.id, NULL, 'update', 'vendor', md5('item' || (1 + random() * %(items)s)::int)::uuid, 'CUST-1', 'row-1',
              '{"title": "Old"}', '{"title": "New"}', true, '', r.started_at
       FROM sync_syncrun r WHERE NOT r.whole AND r.finished_at IS NOT NULL""",
    """INSERT INTO sync_timelineentry (installation_id, connection_id, item_id, item_key, code, text, data, at)
       SELECT %(installation)s, CASE WHEN n %% 4 = 0 THEN %(planhat)s ELSE %(planner)s END::uuid,
              md5('item' || 1 + n %% %(items)s)::uuid, 'CUST-' || 1 + n %% %(items)s,
              (ARRAY['updated','updated','updated','created','linked','no_dates','retry_later','filtered','error','updated'])
                [1 + n %% 10],
              'Something was done to it, and this says what it was.', '{}', now() - n * interval '90 days' / %(lines)s
       FROM generate_series(1, %(lines)s) n""",
    """INSERT INTO sync_conflict (id, link_id, name, values, opened_at, choice, chosen_by)
       SELECT gen_random_uuid(), id, 'title', '{"title": ["Belt", "Belt 4", "Belt four"]}', now(), '', ''
       FROM sync_itemlink WHERE item_key LIKE 'CUST-___' AND pair_id = (%(pairs)s::uuid[])[1]""",
    """INSERT INTO sync_due (pair_id, item_id, asked, due_at, attempts, reason, told_version, only_told)
       SELECT (%(pairs)s::uuid[])[1], gen_random_uuid()::text, 1, now(), 0, '', '', false FROM generate_series(1, 2000)""",
)
COMPANY = (
    """INSERT INTO customers_company (connection_id, remote_id, name, folded, external_id, source_id, url, values, fingerprint,
                                      scan, counts, finished, created_at, changed_at)
       SELECT %(planhat)s, md5('company' || n), 'Company ' || n, 'company ' || n, 'ext-' || n, '',
              'https://ws.planhat.example/' || n,
              jsonb_build_object('phase', (ARRAY['Onboarding','Live','Renewal'])[1 + n %% 3], 'health', n %% 10,
                                 'revenue', n * 10, 'tags', jsonb_build_array('gold'), 'owner', 'ada@acme.example'),
              md5(n::text), 1, '{}', 0, now(), now() - n * interval '1 minute'
       FROM generate_series(1, %(companies)s) n""",
    """INSERT INTO customers_companydomain (company_id, domain)
       SELECT id, 'company-' || id || '.example' FROM customers_company WHERE connection_id = %(planhat)s""",
    """INSERT INTO customers_companychange (company_id, field, before, after, at)
       SELECT c.id, 'phase', '"Trial"', '"Live"', now() - n * interval '6 hours'
       FROM customers_company c, generate_series(1, %(changes)s / %(companies)s) n WHERE c.connection_id = %(planhat)s""",
    """INSERT INTO sync_tie (connection_id, project_id, item_id, item_key, party_id, party_name, origin, state, contacts, shown,
                            created_at)
       SELECT %(planhat)s, p.project_id, md5('item' || n)::uuid, 'CUST-' || n, md5('company' || 1 + n %% 4000),
              'Company ' || 1 + n %% 4000, 'person', CASE WHEN n %% 200 = 0 THEN 'gone' ELSE 'active' END, '[]', false, now()
       FROM generate_series(1, %(companies)s) n, sync_projectpair p WHERE p.id = (%(pairs)s::uuid[])[1]""",
    """INSERT INTO customers_reference (id, connection_id, kind, key, name, domain, external_id, state, how, candidates,
                                        decided_by, shown, created_at, company_id)
       SELECT gen_random_uuid(), %(planhat)s, 'label', 'customer: company ' || n, 'customer: Company ' || n, '', '',
              CASE WHEN n %% 10 = 0 THEN 'unmatched' WHEN n %% 10 = 1 THEN 'ambiguous' ELSE 'matched' END, 'name',
              jsonb_build_array(md5('company' || n), md5('company' || n + 1)), '', '', now(),
              CASE WHEN n %% 10 > 1 THEN (SELECT min(id) FROM customers_company WHERE connection_id = %(planhat)s) + n - 1 END
       FROM generate_series(1, 5000) n""",
    """INSERT INTO customers_firing (id, rule_id, company_id, occasion, state, plan, done, results, detail, due_at, attempts,
                                     created_at, finished_at)
       SELECT gen_random_uuid(), r.id, c.id, 'change:' || c.id, (ARRAY['done','done','failed','held'])[1 + c.id %% 4], '[]', 0,
              '[]', '', now(), 0, now() - c.id %% 60 * interval '1 day', now()
       FROM customers_companyrule r, customers_company c
       WHERE r.connection_id = %(planhat)s AND c.connection_id = %(planhat)s""",
)
AROUND = (
    """INSERT INTO inbox_delivery (id, source, connection_id, installation_id, lane, rank, kind, subject, headers, body,
                                   received_at, state, reason, attempts, due_at, finished_at)
       SELECT gen_random_uuid(), CASE WHEN n %% 3 = 0 THEN 'provider' ELSE 'plane' END,
              CASE WHEN n %% 3 = 0 THEN %(planner)s END::uuid, %(installation)s, %(workspace)s, 1,
              (ARRAY['item.changed','comment.written','remote.changed','run.created'])[1 + n %% 4],
              md5('item' || 1 + n %% %(items)s), '{}', '{"event": "issue"}',
              now() - n * interval '30 days' / %(messages)s,
              CASE WHEN n %% 1000 = 0 THEN 'dead' WHEN n %% 5 = 0 THEN 'ignored' ELSE 'handled' END,
              CASE WHEN n %% 5 = 0 THEN 'Nothing that we know of has changed.' ELSE '' END, 1, now(),
              now() - n * interval '30 days' / %(messages)s + n %% 700 * interval '100 milliseconds'
       FROM generate_series(1, %(messages)s) n""",
    """INSERT INTO installations_callcount (installation_id, connection_id, key, purpose, hour, calls, refused)
       SELECT %(installation)s, t.id, coalesce(t.id, %(installation)s::uuid) || t.slot, p,
              date_trunc('hour', now()) - n * interval '1 hour', 50 + n %% 200, n %% 3
       FROM (VALUES (NULL::uuid, ':bot'), (%(planner)s::uuid, ':main'), (%(planhat)s::uuid, ':main')) t (id, slot),
            unnest(ARRAY['live','sweep','feed','bot','probe','companies','rules','pages']) p,
            generate_series(0, 24 * 90) n
       ON CONFLICT DO NOTHING""",
    """INSERT INTO installations_auditentry (installation_id, who, action, detail, at)
       SELECT %(installation)s, 'Ada', 'paired', '{"provider": "planner"}', now() - n * interval '7 minutes'
       FROM generate_series(1, %(audits)s) n""",
    """INSERT INTO bot_turn (id, installation_id, key, project_id, item_id, activity_id, text, state, answer_kind, answer,
                            options, attempts, due_at, created_at, pending, stop_asked)
       SELECT gen_random_uuid(), %(installation)s, 'mention:' || n, gen_random_uuid(), md5('item' || n)::uuid, '', 'status',
              'answered', 'response', 'In step.', '[]', 1, now(), now() - n * interval '10 minutes', '{}', false
       FROM generate_series(1, 10000) n""",
)
