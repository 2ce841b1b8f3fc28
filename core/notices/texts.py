"""How a change of state is said to people.  Pure; nothing of what lists hold is in it but numbers, and no secret."""

import shlex
from collections.abc import Callable, Sequence

from core.redaction import redact
from core.schemas.instant import Instant, to_second
from core.schemas.notice import (
    EXPIRED,
    EXPIRING_TOKEN,
    FAILED,
    HELD,
    OVERDUE,
    RECOVERED,
    RELEASED,
    SEVERAL,
    STALE_CONSUMER,
    TEST,
    Condition,
    Notice,
)
from core.store.export_facts import ExportFacts
from core.store.notice_facts import Facts

MOST_LISTED = 50
"""So many changes are named where many are told at once."""

_NO_LONGER = "the export was removed"
_SWITCHED_OFF = "the export was switched off"


def begun(item: Condition, key: str, now: Instant, *, follows: str = "") -> Notice:
    """Return the notice that *item* begins, or has become worse."""
    title, message, advice = _BEGUN[item.kind](item)
    return Notice(
        key,
        item.kind,
        item.subject,
        item.state,
        item.since,
        now,
        one_line(title),
        one_line(message),
        tuple(map(one_line, advice)),
        item.detail,
        follows,
    )


def over(item: Condition, facts: Facts, key: str, now: Instant) -> Notice:
    """Return the notice that *item* is over, with what *facts* say of why."""
    title, message = _OVER[item.kind](item, facts)
    state = RELEASED if item.kind == HELD else RECOVERED
    return Notice(
        key,
        item.kind,
        item.subject,
        state,
        now,
        now,
        one_line(title),
        one_line(message),
        detail={"was_since": item.since},
        follows=item.told_by,
    )


def several(items: Sequence[Notice], key: str, now: Instant) -> Notice:
    """Return one notice for many."""
    listed = [f"- {item.title}" for item in items[:MOST_LISTED]]
    if len(items) > MOST_LISTED:
        listed.append(f"- and {len(items) - MOST_LISTED:,} more")
    changes = [
        {"kind": item.kind, "subject": item.subject, "state": item.state, "since": to_second(item.since)}
        for item in items
    ]
    title = f"{len(items):,} changes at once"
    advice = ("yetictl notify list prints what is wrong now",)
    message = "\n".join((f"{title}:", *listed))
    return Notice(key, SEVERAL, "", SEVERAL, now, now, title, message, advice, {"changes": changes})


def test(key: str, now: Instant) -> Notice:
    """Return the notice that somebody tries the channels with."""
    message = "This is a test: notices of this installation arrive here."
    return Notice(key, TEST, "", TEST, now, now, "a test", message)


def one_line(text: str) -> str:
    """Return *text* without secrets, with a mark for every control character: it breaks no line and no header."""
    text = " ".join(redact(text).split("\n"))
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _held(item: Condition) -> tuple[str, str, tuple[str, ...]]:
    reasons = "; ".join(item.detail["reasons"])
    name = shlex.quote(item.subject)
    message = (
        f"The list {item.subject} is held since {_at(item.since)}: {reasons}. "
        "What was published before stays published."
    )
    if item.detail["can_be_released"]:
        advice: tuple[str, ...] = (
            f"yetictl export diff {name} held prints what would change",
            f"yetictl export release {name} --reason TEXT publishes it all the same",
        )
    else:
        advice = (
            f"yetictl export show {name} prints why, with examples",
            f"yetictl export run {name} tries again once that is mended",
        )
    return f"{item.subject} is held", message, advice


def _failed(item: Condition) -> tuple[str, str, tuple[str, ...]]:
    why = item.detail["why"] or "nothing is known of why"
    name = shlex.quote(item.subject)
    message = (
        f"Runs of {item.subject} fail since {_at(item.since)}: {why}. What was published before stays published."
    )
    advice = (
        f"yetictl export log {name} prints what happened",
        f"yetictl export run {name} tries again",
    )
    return f"{item.subject} fails", message, advice


def _overdue(item: Condition) -> tuple[str, str, tuple[str, ...]]:
    message = f"{item.subject} was due {_at(item.since)} and has not run since."
    advice = (
        f"yetictl export runs {shlex.quote(item.subject)} prints whether it waits or runs",
        "look whether yetictl tasks is running, and has workers enough",
    )
    return f"{item.subject} is overdue", message, advice


def _stale(item: Condition) -> tuple[str, str, tuple[str, ...]]:
    detail = item.detail
    has = "It has no version" if detail["version"] is None else f"It has version {detail['version']}"
    if detail["current"] is not None and detail["current"] != detail["version"]:
        has += f"; version {detail['current']} is published"
    message = f"The consumer {detail['consumer']} last asked for {detail['export']} {_at(item.since)}. {has}."
    advice = (
        "look whether that machine runs, reaches this one, and has a token that counts",
        "yetictl consumer lags prints who has which version, and who stopped asking",
    )
    return f"{detail['consumer']} stopped asking for {detail['export']}", message, advice


def _ending(item: Condition) -> tuple[str, str, tuple[str, ...]]:
    detail = item.detail
    owner, name = shlex.quote(detail["owner"]), shlex.quote(detail["name"])
    if detail["is_key"]:
        what = f"the key {detail['name']} of {detail['owner']}"
        advice: tuple[str, ...] = (
            f"yetictl user token {owner} --name NEW makes another one",
            f"yetictl user token {owner} --name {name} --remove removes this one when nobody uses it any more",
        )
    else:
        what = f"the token {detail['name']}… of the consumer {detail['owner']}"
        advice = (
            f"yetictl consumer token {owner} makes another one; two may be valid at once",
            f"yetictl consumer revoke {owner} {name} removes this one when the device has the other",
        )
    ends = f"{'ended' if item.state == EXPIRED else 'ends'} {_at(detail['expires_at'])}"
    more = " Whoever uses it is turned away." if item.state == EXPIRED else ""
    return f"{what} {ends}", f"{what[0].upper()}{what[1:]} {ends}.{more}", advice


_BEGUN: dict[str, Callable[[Condition], tuple[str, str, tuple[str, ...]]]] = {
    HELD: _held,
    FAILED: _failed,
    OVERDUE: _overdue,
    STALE_CONSUMER: _stale,
    EXPIRING_TOKEN: _ending,
}


def _released(item: Condition, facts: Facts) -> tuple[str, str]:
    found, gone = _export(item, facts)
    last = found.last if found is not None else None
    if last is None:
        return f"{item.subject} is no longer held", f"{item.subject} is no longer held: {gone or 'nothing waits'}."
    if last.cause == "release":
        why = f"released by {last.by}: {last.reason}"
    elif last.cause == "rollback":
        why = f"rolled back by {last.by}: {last.reason}" if last.by else "an older version was published"
    else:
        why = "a later run was within its limits"
    published = (
        "" if last.version is None else f" Version {last.version} is published, {last.entries or 0:,} entries."
    )
    return f"{item.subject} is released", f"{item.subject} is no longer held: {why}.{published}"


def _works(item: Condition, facts: Facts) -> tuple[str, str]:
    found, gone = _export(item, facts)
    last = found.last if found is not None else None
    if last is None:
        return f"{item.subject} no longer fails", f"{item.subject} no longer fails: {gone or 'it never ran'}."
    result = "what it made is held" if last.status == HELD else f"{last.entries or 0:,} entries"
    return f"{item.subject} works again", f"{item.subject} ran to its end {_at(last.finished_at)}: {result}."


def _ran(item: Condition, facts: Facts) -> tuple[str, str]:
    found, gone = _export(item, facts)
    last = found.last if found is not None else None
    if last is None or last.finished_at <= item.since:
        why = gone or "its schedule was changed"
        return f"{item.subject} is no longer overdue", f"{item.subject} is no longer overdue: {why}."
    return f"{item.subject} ran", f"{item.subject}, which was overdue, ran {_at(last.finished_at)}: {last.status}."


def _asks(item: Condition, facts: Facts) -> tuple[str, str]:
    who, what = item.detail["consumer"], item.detail["export"]
    for found in facts.standings:
        if (found.consumer, found.export) == (who, what) and found.last_at is not None and found.is_enabled:
            title = f"{who} asks for {what} again"
            return title, f"{title}, last {_at(found.last_at)}; it has version {found.version}."
    title = f"{who} need not ask for {what} any more"
    return title, f"{title}: the consumer or the export was removed or switched off, or it may not fetch it."


def _renewed(item: Condition, _: Facts) -> tuple[str, str]:
    if item.detail["is_key"]:
        title = f"the key {item.detail['name']} of {item.detail['owner']} no longer ends soon"
        return title, f"{title}: it or its user was removed or switched off."
    title = f"the consumer {item.detail['owner']} no longer has a token that ends soon"
    return title, f"{title}: it uses one that lasts longer, or was removed or switched off."


_OVER: dict[str, Callable[[Condition, Facts], tuple[str, str]]] = {
    HELD: _released,
    FAILED: _works,
    OVERDUE: _ran,
    STALE_CONSUMER: _asks,
    EXPIRING_TOKEN: _renewed,
}


def _export(item: Condition, facts: Facts) -> tuple[ExportFacts | None, str]:
    """Return what is known of the export, or why there is nothing."""
    for found in facts.exports:
        if found.name == item.subject:
            return found, ""
    return None, _SWITCHED_OFF if item.subject in facts.all_exports else _NO_LONGER


def _at(instant: Instant) -> str:
    return f"{to_second(instant)[:-1].replace('T', ' ')} UTC"
