"""``/api/v2/audit``: who changed what."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.api.access import Admin, StoreHere
from core.schemas.instant import SECOND, to_second
from core.store import audit
from core.store.audit import AuditEntry

router = APIRouter(prefix="/audit", tags=["users"])


class Change(BaseModel):
    """One change."""

    id: int
    at: str
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, item: AuditEntry) -> "Change":
        """Return what is told of an entry."""
        return cls(
            id=item.id,
            at=to_second(item.at),
            actor=item.actor,
            action=item.action,
            subject=item.subject,
            detail=dict(item.detail),
        )


class Changes(BaseModel):
    """Some changes, newest first; ``next`` is ``before`` for the page after, ``null`` on the last one."""

    changes: list[Change]
    next: int | None


@router.get("")
def list_changes(
    store: StoreHere,
    _: Admin,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    action: Annotated[str | None, Query(max_length=100)] = None,
    since: datetime | None = None,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Changes:
    """Return who changed what, newest first.

    `actor` is a user, with all keys, or one key; `action` is how an action begins, such as `export`; `since` without a
    time zone is UTC.
    """
    moment = None
    if since is not None:
        aware = since if since.tzinfo else since.replace(tzinfo=UTC)
        moment = int(aware.timestamp()) * SECOND
    found = audit.entries(store, actor=actor, action=action, since=moment, before_id=before, limit=limit)
    return Changes(changes=[Change.of(item) for item in found], next=found[-1].id if len(found) == limit else None)
