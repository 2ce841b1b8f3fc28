"""A strict reader of response policy zones, and how the tests of the conformance kit use it."""

from ipaddress import IPv4Network, IPv6Network

from name_readers import between, checked, outermost, put

from core.exports.formats import COUNTER_MARK
from core.testing.formats import FormatConformance


def in_words(network):
    """Return the owner of a network as the draft has it, worked out from its integer."""
    if isinstance(network, IPv4Network):
        return f"{network.prefixlen}." + ".".join(str(octet) for octet in network.network_address.packed[::-1])
    packed = network.network_address.packed
    words = [f"{packed[place] << 8 | packed[place + 1]:x}" for place in range(0, 16, 2)]
    runs = [
        (size, -place)
        for size in range(2, 9)
        for place in range(9 - size)
        if words[place : place + size] == ["0"] * size
    ]
    if runs:
        size, place = max(runs)
        words[-place : -place + size] = ["zz"]
    return f"{network.prefixlen}." + ".".join(words[::-1])


def network_of(owner):
    """Return the network that an owner stands for, as strictly as the strictest of resolvers."""
    length, *words = between(owner, "", ".rpz-ip").split(".")
    words = words[::-1]
    if len(words) == 4 and all(word.isdigit() for word in words):
        network = IPv4Network((".".join(words), int(length)))
    else:
        before, zz, after = ":".join(words).partition("zz")
        network = IPv6Network(
            (before.removesuffix(":") + "::" + after.removeprefix(":") if zz else before, int(length))
        )
    assert in_words(network) + ".rpz-ip" == owner
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


class Rpz(FormatConformance):
    """The head, then addresses, then names with their wildcards; every owner relative, every target with its dot."""

    format = "rpz"
    target, has_wildcards, zone, ttl = ".", True, "rpz", "300"

    def read(self, files):
        ttl, authority, server, *records = files["export.zone"].decode().split("\n")[:-1]
        assert f"$TTL {self.ttl}" == ttl
        serial = between(authority, "@ IN SOA localhost. hostmaster.localhost. ", f" 3600 600 604800 {self.ttl}")
        assert COUNTER_MARK == serial
        assert "@ IN NS localhost." == server
        owners = [between(record, "", f" CNAME {self.target}") for record in records]
        assert all(len(f"{owner}.{self.zone}") <= 253 for owner in owners)
        addresses = [owner for owner in owners if owner.endswith(".rpz-ip")]
        return [
            *map(network_of, addresses),
            *self.names([owner for owner in owners if not owner.endswith(".rpz-ip")]),
        ]

    def names(self, owners):
        if not self.has_wildcards:
            return [checked(owner) for owner in owners]
        names = [checked(owner) for owner in owners[::2]]
        assert [f"*.{name}" for name in names] == owners[1::2]
        assert outermost(names) == set(names), "a name below another hides what is beside it from the wildcard"
        return names

    def meaning(self, entries):
        entries = set(entries)
        names = {entry for entry in entries if any(char.isalpha() for char in entry.rpartition(".")[2])}
        names -= {entry for entry in entries if ":" in entry}
        return entries - names | (outermost(names) if self.has_wildcards else names)


class Drop(Rpz):
    """Names alone, with another action, in a zone of a long name."""

    options = {"action": "drop", "subdomains": "no", "zone": "a.long." + "zone." * 10 + "example", "ttl": "60"}
    target, has_wildcards, zone, ttl = "rpz-drop.", False, options["zone"], "60"


def zone_of(made, path):
    """Write a zone as it is published, with a serial."""
    return put({name: content.replace(COUNTER_MARK.encode(), b"7") for name, content in made.files.items()}, path)
