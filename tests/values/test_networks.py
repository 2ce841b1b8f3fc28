"""Networks as intervals, against Python's own ``ipaddress``."""

from ipaddress import collapse_addresses, ip_address, ip_network, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedValue
from core.values.networks import NetworkIndex, Span, networks_of, space, span_of, text_of, united, without

ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.integers(0, 255).map(lambda last: ip_address(f"192.0.2.{last}")),
    st.integers(0, 255).map(lambda last: ip_address(f"2001:db8::{last:x}")),
)


@st.composite
def networks(draw, version=None):
    """A network, often one near the others: few bits of few addresses."""
    address = draw(ADDRESSES if version is None else ADDRESSES.filter(lambda one: one.version == version))
    length = draw(st.integers(address.max_prefixlen - 10, address.max_prefixlen) | st.integers(0, 32))
    return ip_network((address, length), strict=False)


def spans(several):
    return [span_of(canonical(one)) for one in several]


def canonical(one):
    return str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one)


@given(networks())
def test_text_and_span(one):
    """A span has the first and the last address, and goes back to the canonical text."""
    span = span_of(canonical(one))

    assert (span.version, span.first, span.last) == (one.version, int(one[0]), int(one[-1]))
    assert text_of(span) == canonical(one)
    assert span.size == one.num_addresses


@pytest.mark.parametrize(
    "text", ["", "example.com", "192.0.2.1/33", "192.0.2.1/", "192.0.2", "::1/129", "::1/-1", "1.2.3.4/٣"]
)
def test_what_is_no_network(text):
    """Anything else is refused."""
    with pytest.raises(RefusedValue):
        span_of(text)


@given(ADDRESSES, ADDRESSES)
def test_a_range_is_the_fewest_networks(one, other):
    """As many as ``summarize_address_range`` finds, and the same."""
    if one.version != other.version:
        return
    first, last = sorted([one, other])
    found = networks_of(Span(one.version, int(first), int(last)))

    assert [text_of(span) for span in found] == [canonical(net) for net in summarize_address_range(first, last)]


@given(st.lists(networks(), max_size=8))
def test_united(several):
    """The union is that of ``collapse_addresses``, and its size counts every address once."""
    found = united(spans(several))
    expected = {
        version: list(collapse_addresses([one for one in several if one.version == version])) for version in (4, 6)
    }

    assert [text_of(net) for span in found for net in networks_of(span)] == [
        canonical(net) for version in (4, 6) for net in expected[version]
    ]
    assert space(spans(several)) == {
        version: sum(net.num_addresses for net in nets) for version, nets in expected.items()
    }


@given(networks(), st.lists(networks(), max_size=5))
def test_without(one, holes):
    """What is left of a network has every address that no hole has, and no other."""
    left = without(span_of(canonical(one)), spans(holes))
    expected = [one]
    for hole in holes:
        expected = [part for net in expected for part in excluded(net, hole)]

    assert [text_of(span) for span in left] == [canonical(net) for net in collapse_addresses(expected)]


def excluded(net, hole):
    if net.version != hole.version or not net.overlaps(hole):
        return [net]
    return [] if net.subnet_of(hole) else list(net.address_exclude(hole))


@given(st.lists(networks(), max_size=8), networks())
def test_index(several, asked):
    """The outermost network that covers what is asked, and all that lie inside."""
    index = NetworkIndex((span, number) for number, span in enumerate(spans(several)))
    span = span_of(canonical(asked))
    same = [(number, one) for number, one in enumerate(several) if one.version == asked.version]
    covering = [(one.prefixlen, number) for number, one in same if asked.subnet_of(one)]
    inside = {canonical(one) for _, one in same if one.subnet_of(asked)}

    label = index.covering(span)
    assert (label is None) == (not covering)
    if label is not None:
        assert several[label] == several[min(covering)[1]]
    assert [text_of(found) for found, _ in index.inside(span)] == [
        canonical(one)
        for one in sorted({ip_network(text) for text in inside}, key=lambda one: (one[0], one.prefixlen))
    ]
