"""What a notice looks like when it is sent: a line, a text, an object.  Pure."""

from typing import Any

from core.schemas.instant import to_second
from core.schemas.notice import Notice


def subject_line(notice: Notice, installation: str) -> str:
    """Return the line above it: ``[Yeti Exports, HOST] NAME is held``."""
    return f"[Yeti Exports, {installation}] {notice.title}"


def plain_text(notice: Notice) -> str:
    """Return what happened and what to do."""
    advice = "".join(f"\n- {line}" for line in notice.advice)
    return f"{notice.message}\n" + (f"\nWhat to do:{advice}\n" if advice else "")


def as_object(notice: Notice, installation: str) -> dict[str, Any]:
    """Return it for programs: instants in RFC 3339; ``detail`` depends on the kind."""
    return {
        "id": notice.key,
        "installation": installation,
        "kind": notice.kind,
        "subject": notice.subject,
        "state": notice.state,
        "since": to_second(notice.since),
        "at": to_second(notice.made_at),
        "title": notice.title,
        "message": notice.message,
        "advice": list(notice.advice),
        "detail": {
            key: to_second(value) if key in ("due_at", "expires_at", "was_since") else value
            for key, value in notice.detail.items()
        },
        "follows": notice.follows,
    }
