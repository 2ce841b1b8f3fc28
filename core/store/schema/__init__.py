"""The tables.

Instants are integers, microseconds UTC.  The truth is in ``assertion``; ``observable.assertions``,
``observable.modified_at`` and ``observable.sure_until`` are derived from it in the same transaction and can be
rebuilt (``core.store.rebuild``).  Decisions 0010 to 0013 say why it looks like this.

One file for each subject; a change needs a migration in ``migrations/versions``; a test compares the two.
"""

from core.store.schema.accounts import api_key, audit, ended_token, login_failure, secret, user
from core.store.schema.allow_lists import (
    allow_check,
    allow_hit,
    allow_list,
    allow_list_entry,
    allow_list_remark,
    allow_list_setting,
)
from core.store.schema.basics import Id, Moment, metadata, schema_revision, sql_type
from core.store.schema.consumers import consumer, consumer_export, consumer_token, fetch
from core.store.schema.exports import (
    export,
    export_access,
    export_networks,
    export_pin,
    export_publication,
    template,
)
from core.store.schema.intelligence import (
    assertion,
    clock,
    observable,
    source,
    source_setting,
    tag,
    tag_description,
    type_lifetime,
)
from core.store.schema.notices import condition, notice, notice_delivery
from core.store.schema.runs import (
    export_lease,
    export_schedule,
    job,
    job_death,
    run,
    run_line,
    run_total,
    worker,
)
from core.store.schema.versions import archive, ledger, ledger_piece, ledger_text, version, version_file

__all__ = [
    "Id",
    "Moment",
    "allow_check",
    "allow_hit",
    "allow_list",
    "allow_list_entry",
    "allow_list_remark",
    "allow_list_setting",
    "api_key",
    "archive",
    "assertion",
    "audit",
    "clock",
    "condition",
    "consumer",
    "consumer_export",
    "consumer_token",
    "ended_token",
    "export",
    "export_access",
    "export_lease",
    "export_networks",
    "export_pin",
    "export_publication",
    "export_schedule",
    "fetch",
    "job",
    "job_death",
    "ledger",
    "ledger_piece",
    "ledger_text",
    "login_failure",
    "metadata",
    "notice",
    "notice_delivery",
    "observable",
    "run",
    "run_line",
    "run_total",
    "schema_revision",
    "secret",
    "source",
    "source_setting",
    "sql_type",
    "tag",
    "tag_description",
    "template",
    "type_lifetime",
    "user",
    "version",
    "version_file",
    "worker",
]
