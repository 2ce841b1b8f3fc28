"""Reasons, as people say them."""

import msgspec


def reason_words(reason: str) -> str:
    """Return a reason, which is JSON text, as people say it."""
    told = msgspec.json.decode(reason)
    parts = [str(told.get("reason", ""))]
    if name := told.get("list"):
        parts.append(f"by {name}")
    if entry := told.get("entry"):
        parts.append(f"({told['relation']} {entry})" if told.get("relation") else f"({entry})")
    if tag := told.get("tag"):
        parts.append(f"by {tag} of {told['source']}" if told.get("source") else tag)
    if detail := told.get("detail") or told.get("said"):
        parts.append(f"({detail})")
    if number := told.get("to"):
        parts.append(f"to version {number}")
    return " ".join(parts)
