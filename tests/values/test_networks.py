"""Networks as intervals, against Python's own ``ipaddress``."""

from ipaddress import collapse_addresses, ip_address, ip_network, summarize_address_range

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RefusedValue
from core.values.networks import (
    MOST_PIECES,
    NestedNetworks,
    NetworkIndex,
    Span,
    networks_of,
    span_of,
    split,
    text_of,
    united,
    without,
)

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
    """The union is that of ``collapse_addresses``."""
    found = united(spans(several))
    expected = {
        version: list(collapse_addresses([one for one in several if one.version == version])) for version in (4, 6)
    }

    assert [text_of(net) for span in found for net in networks_of(span)] == [
        canonical(net) for version in (4, 6) for net in expected[version]
    ]


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


@given(st.lists(networks(), max_size=10), networks())
def test_nested(several, asked):
    """The innermost network around what is asked, the way out from it, and all that are smaller inside."""
    index = NestedNetworks(spans(several))
    span = span_of(canonical(asked))
    same = {one for one in several if one.version == asked.version}
    around = sorted((one for one in same if asked.subnet_of(one)), key=lambda one: -one.prefixlen)

    found, place = [], index.innermost(span)
    while place >= 0:
        found.append(text_of(index.spans[place]))
        place = index.parents[place]
    assert found == [canonical(one) for one in around]
    assert [text_of(index.spans[place]) for place in index.inside(span)] == [
        canonical(one)
        for one in sorted(same, key=lambda one: (one[0], one.prefixlen))
        if one.subnet_of(asked) and one != asked
    ]


def test_no_ipv6_network_lies_in_one_of_ipv4():
    """The numbers of the first IPv6 addresses are those of IPv4 addresses."""
    index = NestedNetworks(map(span_of, ["255.0.0.0/8", "0.0.0.0/8", "::1", "::/96"]))

    places = [index.innermost(span_of(text)) for text in ("::1", "::ff00:1", "255.0.0.1", "1.0.0.0")]
    assert ["::1", "::/96", "255.0.0.0/8"] == [text_of(index.spans[place]) for place in places[:3]]
    assert places[3] == -1
    assert ["::/96"] == [text_of(index.spans[index.parents[places[0]]])]
    assert [-1, -1] == [index.parents[place] for place in places[1:3]]


@pytest.mark.parametrize(
    ("network", "holes", "left"),
    [
        ("192.0.2.0/30", ["192.0.2.1"], ["192.0.2.0", "192.0.2.2/31"]),
        ("192.0.2.0/24", ["192.0.2.0/25", "192.0.2.128/25"], []),
        ("192.0.2.0/24", ["192.0.0.0/16"], []),
        ("192.0.2.0/24", ["198.51.100.1", "2001:db8::1"], ["192.0.2.0/24"]),
        ("2001:db8::/126", ["2001:db8::3", "2001:db8::2/127"], ["2001:db8::/127"]),
    ],
)
def test_split(network, holes, left):
    """What is left are canonical networks and addresses; holes may overlap, cover all, or lie elsewhere."""
    assert left == split(network, holes)


def test_an_address_out_of_a_large_network():
    """Each bit of the length below the network is one piece."""
    pieces = split("2001:db8::/32", ["2001:db8::1"])

    assert pieces is not None
    assert len(pieces) == 128 - 32


@pytest.mark.parametrize(
    ("network", "holes", "count"),
    [
        ("10.0.0.0/8", [f"10.0.{2 * number >> 8}.{2 * number & 255}" for number in range(1_000)], 1_015),
        ("10.0.0.0/8", [f"10.0.{2 * number >> 8}.{2 * number & 255}" for number in range(1_100)], None),
        ("10.0.0.0/8", [f"10.{number}.0.1" for number in range(200)], None),
        ("10.0.0.0/8", [f"11.{number >> 8}.{number & 255}.1" for number in range(5_000)], 1),
        ("10.0.0.0/16", [f"10.0.{number >> 8}.{number & 255}" for number in range(5_000)], 9),
    ],
)
def test_a_network_that_would_fall_into_too_many_pieces(network, holes, count):
    """It is not split; holes that touch, or lie elsewhere, are no reason for that."""
    pieces = split(network, holes)

    assert count == (None if pieces is None else len(pieces))
    assert pieces is None or len(pieces) <= MOST_PIECES
    if pieces is not None:
        size = sum(span_of(piece).size for piece in pieces)
        assert size == span_of(network).size - sum(
            1 for hole in holes if span_of(network).first <= span_of(hole).first <= span_of(network).last
        )
