"""A notice to be told."""

from dataclasses import replace

from core.schemas.notice import Notice

PLAIN = Notice(
    key="5f0c",
    kind="held",
    subject="x",
    state="held",
    since=1_790_000_000_000_000,
    made_at=1_790_000_005_000_000,
    title="x is held",
    message="The list x is held.",
    advice=("yetictl export release x --reason TEXT",),
    detail={"entries": 2},
)


def notice(**changes):
    """That notice, with other fields."""
    return replace(PLAIN, **changes)
