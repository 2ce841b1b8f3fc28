"""How receipts and left-overs look."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli.output import counted, print_json, print_table, say
from core.schemas.instant import to_text

if TYPE_CHECKING:
    from core.clients.persistient_storage.receipts import Leftover, Receipt


def receipt_record(receipt: "Receipt") -> dict[str, Any]:
    """Return a receipt for JSON, with those of its copies where there are any."""
    record = {
        "name": receipt.name,
        "location": receipt.location,
        "size_bytes": receipt.size_bytes,
        "sha256": receipt.sha256,
        "etag": receipt.etag,
        "outcome": receipt.outcome,
        "metadata": {**receipt.metadata.headers(), **{f"x-{k}": v for k, v in receipt.metadata.items.items()}},
        "dropped": list(receipt.dropped),
    }
    if receipt.copies:
        record["copies"] = [receipt_record(copy) for copy in receipt.copies]
    return record


def leftover_record(leftover: "Leftover") -> dict[str, Any]:
    """Return a left-over for JSON."""
    return {
        "kind": leftover.kind,
        "location": leftover.location,
        "began_at": to_text(leftover.began_at),
        "size_bytes": leftover.size_bytes,
    }


def print_leftovers(leftovers: Sequence["Leftover"]) -> None:
    """Print them as a table, or nothing at all."""
    if leftovers:
        rows = [(item.kind, to_text(item.began_at), item.size_bytes, item.location) for item in leftovers]
        print_table(("left over", "began", "bytes", "where"), rows, right=("bytes",))


def print_cleaned(found: "Sequence[Leftover]", reasons: Sequence[str | None] | None, *, as_json: bool) -> None:
    """Print what became of each left-over.

    Args:
        found: All there were.
        reasons: Why each was not removed, None where it was; nothing at all for a dry run.
        as_json: Print all of them with their errors; a table shows those that were removed, or would be.
    """
    fates = reasons if reasons is not None else [None] * len(found)
    if as_json:
        is_run = reasons is not None
        print_json(
            [
                {**leftover_record(item), "is_removed": is_run and reason is None, "error": reason}
                for item, reason in zip(found, fates, strict=True)
            ]
        )
        return
    gone = [item for item, reason in zip(found, fates, strict=True) if reason is None]
    print_leftovers(gone)
    what = "removed" if reasons is not None else "would be removed"
    if found:
        say(f"{counted(len(gone), 'left-over')} {what}")
