"""Decide whether what was rendered may be published.  Pure.

A rule looks at the candidate, at what is published now, and at the limits, and gives reasons to hold the run, in
words and with numbers.  A run with a reason changes nothing for consumers.  What must not be on a list was dropped
entry by entry before; here it only counts how much that was.  Decision 0074 says why the limits are these.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction

from core.exports.gate.limits import Limits
from core.exports.gate.texts import (
    addresses_text,
    counted,
    entries_text,
    found_text,
    more_text,
    share_text,
    times_text,
)
from core.exports.gate.verdict import Candidate, Found, History, Reason, Verdict
from core.schemas.version import Space
from core.store.allow_lists.kinds import CARVED_OUT_OF

__all__ = ["Candidate", "Found", "History", "Reason", "Space", "Verdict", "judge"]

SAFETY = {
    "allow-listed": "allow-listed",
    "special-purpose": "special-purpose",
    "public-suffix": "public suffixes",
    "too-broad": "too broad",
}
"""Reasons to drop an entry that speak against the data, in words; the others are what a user asked for."""

LEAST_SHRINKING_BYTES = Fraction(1024)
"""A file by template that shrinks by so much is never held."""


def judge(candidate: Candidate, history: History | None = None, limits: Limits | None = None) -> Verdict:
    """Return the verdict of all rules.

    Args:
        candidate: What would be published.
        history: What is published now; ``None`` if nothing ever was, so that no size can be compared.
        limits: Of the export; ``None`` is the defaults.
    """
    limits = limits or Limits()
    reasons = [reason for rule in RULES for reason in rule(candidate, limits)]
    if history is not None:
        reasons += [reason for compare in COMPARISONS for reason in compare(candidate, history, limits)]
    is_told = any(reason.rule == "dropped" for reason in reasons)
    is_loss = any(reason.rule == "loss" for reason in reasons)
    withdrawn = _withdrawn_notes(candidate, history) if history is not None and not is_loss else ()
    not_checked = [f"not checked: {reason}" for reason in candidate.not_checked]
    notes = [*not_checked, *_history_notes(history), *withdrawn, *_drop_notes(candidate, limits, is_told)]
    return Verdict(tuple(reasons), tuple(notes))


def _read_finished(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    if not candidate.is_complete:
        text = "the read of the store did not finish, so that entries may be missing"
        yield Reason("unfinished", text, can_be_released=False)


def _counts_add_up(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    dropped = sum(candidate.dropped.values())
    expected = candidate.selected - dropped + candidate.pieces
    if expected == candidate.entries + candidate.refused:
        return
    kept_off = f", {dropped:,} of them were dropped" if dropped else ""
    pieces = f", {candidate.pieces:,} pieces of networks were added" if candidate.pieces else ""
    yield Reason(
        "counts",
        f"the counts do not add up: {candidate.selected:,} observables are selected{kept_off}{pieces}, "
        f"but {candidate.entries:,} entries were written and {candidate.refused:,} refused",
        can_be_released=False,
    )


def _format_is_right(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    if candidate.faults.count:
        faults = found_text(candidate.faults)
        yield Reason("check", f"the format's own check failed: {faults}", can_be_released=False)


def _own_assets(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    if candidate.own_assets.count:
        text = f"own assets are on the list ({candidate.own_assets.count:,}): {found_text(candidate.own_assets)}"
        yield Reason("own-assets", text, can_be_released=False)


def _blank(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    if candidate.entries and candidate.is_blank:
        text = "but its files are blank: nothing but white space is in them"
        yield Reason("blank", f"the list would have {entries_text(candidate.entries)}, {text}")


def _dropped(candidate: Candidate, limits: Limits) -> Iterator[Reason]:
    dropped = sum(candidate.dropped.get(word, 0) for word in SAFETY)
    share = limits.dropped
    if share is None or dropped <= limits.dropped_entries or dropped <= share * candidate.selected:
        return
    text = f"{_drops_text(candidate)}: more than {share_text(share)}{more_text(limits.dropped_entries)}"
    yield Reason("dropped", text)


def _required(candidate: Candidate, _: Limits) -> Iterator[Reason]:
    if candidate.missing:
        found = Found(len(candidate.missing), candidate.missing)
        yield Reason("require", f"what must be on the list is not: {found_text(found)}")


def _bounds(candidate: Candidate, limits: Limits) -> Iterator[Reason]:
    entries = candidate.entries
    if limits.least is not None and entries < limits.least:
        yield Reason("least", f"the list would have {entries_text(entries)}; the least is {limits.least:,}")
    if limits.most is not None and entries > limits.most:
        yield Reason("most", f"the list would have {entries_text(entries)}; the most is {limits.most:,}")


def _budget(candidate: Candidate, limits: Limits) -> Iterator[Reason]:
    """Hold what is too much for the consumer even though it was cut, a file whose head is too long for one."""
    entries, most_bytes = limits.budget_entries, limits.budget_bytes
    if entries is not None and candidate.entries > entries:
        written = entries_text(candidate.entries)
        yield Reason("budget-entries", f"the list would have {written}; the budget is {entries:,}")
    if most_bytes is not None and candidate.size_bytes > most_bytes:
        size = counted(candidate.size_bytes, "byte")
        yield Reason("budget-bytes", f"the list would have {size}; the budget is {most_bytes:,}")


def _empty(candidate: Candidate, history: History, limits: Limits) -> Iterator[Reason]:
    if limits.empty == "hold" and not candidate.entries and _left(candidate, history) > 0:
        yield Reason("empty", f"the list would be empty; now it has {entries_text(history.entries)}")


def _loss(candidate: Candidate, history: History, limits: Limits) -> Iterator[Reason]:
    lost, left = candidate.lost, _left(candidate, history)
    if history.counted:
        lost = max(0, left - candidate.entries)
    if limits.loss is None or not candidate.entries:  # of an empty list the rule before tells, or lets it pass
        return
    if lost <= limits.loss_entries or lost <= limits.loss * left:
        return
    beside = f", beside {candidate.withdrawn:,} that were withdrawn" if candidate.withdrawn else ""
    text = f"the list would lose {lost:,} of its {entries_text(left)}{beside}: more than {share_text(limits.loss)}"
    yield Reason("loss", f"{text}{more_text(limits.loss_entries)}")


def _shrinking(candidate: Candidate, history: History, limits: Limits) -> Iterator[Reason]:
    """Hold what a template leaves out of its entries: of those the other rules know only how many there are."""
    now, then, entries = history.size_bytes, candidate.size_bytes, candidate.entries
    if limits.loss is None or not (candidate.is_by_template and history.entries and entries):
        return
    expected = now * min(Fraction(1), Fraction(entries, history.entries))
    if expected - then <= max(LEAST_SHRINKING_BYTES, limits.loss * expected):
        return
    as_many = (
        "as many entries" if entries == history.entries else f"{entries_text(entries)}, now {history.entries:,}"
    )
    text = f"the file would shrink from {now:,} to {counted(then, 'byte')}, with {as_many}"
    yield Reason("loss", f"{text}: more than {share_text(limits.loss)}")


def _growth(candidate: Candidate, history: History, limits: Limits) -> Iterator[Reason]:
    now, then = history.entries or history.had, candidate.entries
    if (
        limits.growth is None
        or not history.is_ours
        or not now
        or then - now <= limits.growth_entries
        or then <= limits.growth * now
    ):
        return
    emptied = "" if history.entries else ", which it had before it was emptied,"
    grown = f"the list would grow from {now:,}{emptied} to {entries_text(then)}"
    text = f"{grown}: more than {times_text(limits.growth)} as many"
    yield Reason("growth", f"{text}{more_text(limits.growth_entries, ' more')}")


def _space(candidate: Candidate, history: History, limits: Limits) -> Iterator[Reason]:
    if limits.space is None or history.counted or not (history.entries or history.had):
        return
    when = "now" if history.entries else "before it was emptied"
    pairs = (
        (4, history.space.ipv4, candidate.space.ipv4, limits.space_ipv4),
        (6, history.space.ipv6, candidate.space.ipv6, limits.space_ipv6),
    )
    for version, now, then, grace in pairs:
        if then - now > grace and then > limits.space * now:
            covered = f"{addresses_text(version, then)}, {when} {addresses_text(version, now) if now else 'none'}"
            times = f"more than {times_text(limits.space)} as many" if now else "more than none"
            more = more_text(addresses_text(version, grace), " more") if grace else ""
            yield Reason("space", f"the list would cover {covered}: {times}{more}")


def _left(candidate: Candidate, history: History) -> int:
    """Return how many entries are published that nobody withdrew; those went by somebody's will."""
    return history.entries - candidate.withdrawn


def _drops_text(candidate: Candidate) -> str:
    counts = {words: candidate.dropped.get(word, 0) for word, words in SAFETY.items()}
    kinds = ", ".join(f"{count:,} {words}" for words, count in counts.items() if count)
    return f"{sum(counts.values()):,} of {entries_text(candidate.selected)} were dropped for safety ({kinds})"


def _withdrawn_notes(candidate: Candidate, history: History) -> Iterator[str]:
    """Tell what no limit is for: entries that leave because we, or their sources, say that they were wrong."""
    if candidate.withdrawn:
        yield f"{candidate.withdrawn:,} of the {entries_text(history.entries)} published leave, since they were withdrawn"


def _history_notes(history: History | None) -> Iterator[str]:
    if history is None:
        yield "nothing was published before: loss, growth and address space have nothing to be compared with"
    elif history.counted:
        yield f"{history.counted}: {'' if history.is_ours else 'growth and '}address space has nothing to be compared with"
    elif not history.entries and not history.had:
        yield "what is published is empty: growth and address space have nothing to be compared with"


def _drop_notes(candidate: Candidate, limits: Limits, is_told: bool) -> Iterator[str]:
    """Tell what was kept off; what is dropped for safety not twice."""
    counts = {word: count for word, count in candidate.dropped.items() if count}
    if not SAFETY.keys().isdisjoint(counts) and not is_told:
        yield _drops_text(candidate)
    if split := counts.get("split"):
        pieces = entries_text(candidate.pieces)
        yield f"{counted(split, 'network')} split around allow-listed addresses: {pieces} of what is left"
    if never := counts.get("never"):
        yield f"{never:,} dropped that must never be listed (never)"
    if carved := counts.get(CARVED_OUT_OF):
        yield f"{carved:,} dropped that something was carved out of, or that were carved out"
    if cut := counts.get("cut"):
        yield f"{cut:,} cut to keep within the budget; what ranks by {', '.join(limits.rank)} is kept"
    for word in sorted(counts.keys() - SAFETY.keys() - {"split", "never", CARVED_OUT_OF, "cut"}):
        yield f"{counts[word]:,} kept off: {word}"


Rule = Callable[[Candidate, Limits], Iterator[Reason]]
Comparison = Callable[[Candidate, History, Limits], Iterator[Reason]]

RULES: tuple[Rule, ...] = (
    _read_finished,
    _counts_add_up,
    _format_is_right,
    _own_assets,
    _blank,
    _dropped,
    _required,
    _bounds,
    _budget,
)
"""What needs nothing but the candidate."""

COMPARISONS: tuple[Comparison, ...] = (_empty, _loss, _shrinking, _growth, _space)
"""What compares the candidate with what is published now."""
