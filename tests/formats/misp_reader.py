"""A strict reader of feeds of MISP, and an instance that pulls one, both made from what instances do.

Types and categories are those of ``describeTypes``, which PyMISP carries; the rules of values are those by which an
instance refuses or changes one.
"""

import hashlib
import json
import re
import uuid
from datetime import date, datetime
from importlib.resources import files
from ipaddress import ip_address, ip_network

DESCRIBED = json.loads((files("pymisp") / "data" / "describeTypes.json").read_text("utf-8"))["result"]
CATEGORIES = DESCRIBED["category_type_mappings"]
META = {"Orgc", "Tag", "info", "date", "analysis", "threat_level_id", "timestamp"}
EVENT = META | {"uuid", "published", "publish_timestamp", "Attribute"}
NEEDED = {"uuid", "type", "category", "value", "to_ids", "timestamp", "deleted"}
HEX = {
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha512": 128,
    "imphash": 32,
    "ja3-fingerprint-md5": 32,
    "jarm-fingerprint": 62,
    "x509-fingerprint-md5": 32,
    "x509-fingerprint-sha1": 40,
    "x509-fingerprint-sha256": 64,
}
FORMS = {
    "ssdeep": r"[0-9]+:[0-9a-zA-Z/+]*:[0-9a-zA-Z/+]*",
    "tlsh": r"(?:t1)?[0-9a-f]{70}",
    "domain": r"[a-z0-9_-]+\.[a-z0-9-]{2,}|[a-z0-9._-]+\.[a-z0-9-]{2,}",
    "hostname": r"[a-z0-9._-]+\.[a-z0-9-]{2,}",
    "email": r"\S[^\s]*@.*\..*",
    "mac-address": r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
    "AS": r"0|[1-9][0-9]{0,9}",
    **dict.fromkeys(("btc", "xmr", "dash"), "[a-zA-Z0-9]+"),
    **{name: f"[0-9a-f]{{{length}}}" for name, length in HEX.items()},
    **dict.fromkeys(("url", "filename", "regkey", "mutex", "named pipe", "user-agent"), r"[^\x00-\x1f\x7f]+"),
}


def no_twins(pairs):
    """Refuse an object that has a property twice."""
    assert len(pairs) == len({name for name, _ in pairs}), pairs
    return dict(pairs)


def loads(content):
    """Return what JSON says."""
    return json.loads(content.decode(), object_pairs_hook=no_twins)


def check_value(type_, value):
    """Raise on a value that an instance refuses, or keeps as another."""
    assert max(value) <= "\uffff"
    assert value == value.strip()
    if type_ == "ip-dst":
        network = "/" in value
        assert value == str(ip_network(value) if network else ip_address(value))
        assert not network or ip_network(value).num_addresses > 1
        return
    assert re.fullmatch(FORMS[type_], value), (type_, value)


def check_uuid(text):
    """Raise on what is none of ours."""
    assert str(uuid.UUID(text)) == text
    assert 5 == uuid.UUID(text).version


def check_attribute(item):
    """Raise on what an instance would not take as it is meant."""
    assert NEEDED <= set(item) <= NEEDED | {"first_seen", "last_seen", "Tag"}
    check_uuid(item["uuid"])
    assert item["type"] in CATEGORIES[item["category"]]
    assert item["to_ids"] in (True, False)
    assert item["deleted"] in (True, False)
    assert not (item["deleted"] and item["to_ids"])
    assert re.fullmatch("[1-9][0-9]*", item["timestamp"])
    seen = [datetime.fromisoformat(item[name]) for name in ("first_seen", "last_seen") if name in item]
    assert all(moment.tzinfo for moment in seen)
    assert seen == sorted(seen)
    names = [tag["name"] for tag in item.get("Tag", ())]
    assert len(names) == len({name.lower() for name in names})
    assert all(0 < len(name) <= 255 for name in names)
    assert 1 >= len([name for name in names if name.lower().startswith("tlp:")])
    check_value(item["type"], item["value"])


def events_of(content):
    """Return the events of a feed, by UUID, from the files of its folder by name."""
    manifest = loads(content["manifest.json"])
    assert set(content) == {"manifest.json", "hashes.csv"} | {f"{key}.json" for key in manifest}
    events = {}
    hashes, taken = [], set()
    for key, meta in manifest.items():
        check_uuid(key)
        event = loads(content[f"{key}.json"])
        assert {"Event"} == set(event)
        event = event["Event"]
        assert META == set(meta)
        assert EVENT == set(event)
        assert key == event["uuid"]
        assert event["published"] is True
        assert {name: str(meta[name]) for name in ("timestamp", "analysis", "threat_level_id")} == {
            name: event[name] for name in ("timestamp", "analysis", "threat_level_id")
        }
        assert {name: meta[name] for name in ("Orgc", "Tag", "info", "date")} == {
            name: event[name] for name in ("Orgc", "Tag", "info", "date")
        }
        date.fromisoformat(meta["date"])
        check_uuid(meta["Orgc"]["uuid"])
        attributes = event["Attribute"]
        assert attributes
        for item in attributes:
            check_attribute(item)
        assert meta["timestamp"] == max(int(item["timestamp"]) for item in attributes)
        same = {(item["type"], item["category"], item["value"]) for item in attributes}
        assert len(same) == len(attributes), "an instance takes only one of two that are alike"
        mine = {item["uuid"] for item in attributes}
        assert len(mine) == len(attributes)
        assert not mine & taken, "an instance blocks what it has from another event"
        taken |= mine
        hashes += [
            f"{hashlib.md5(item['value'].encode()).hexdigest()},{key}"
            for item in attributes
            if not item["deleted"]
        ]
        events[key] = event
    assert sorted(hashes) == sorted(content["hashes.csv"].decode().splitlines())
    return events


class Instance:
    """An instance of MISP that pulls a feed: it keeps what it has, and takes what is newer."""

    def __init__(self):
        self.events = {}
        self.pulled = 0

    def pull(self, content):
        """Pull the feed, and return what is detected by then: type and value of each."""
        manifest, events = loads(content["manifest.json"]), events_of(content)
        for key, meta in manifest.items():
            known = self.events.setdefault(key, {"timestamp": 0, "attributes": {}})
            if known["timestamp"] >= int(meta["timestamp"]):
                continue
            self.pulled += 1
            known["timestamp"] = int(events[key]["timestamp"])
            for item in events[key]["Attribute"]:
                self._take(key, known["attributes"], item)
        return self.detected

    def _take(self, key, attributes, item):
        elsewhere = [other for other, event in self.events.items() if item["uuid"] in event["attributes"]]
        assert set(elsewhere) <= {key}, "blocked: it is in another event"
        before = attributes.get(item["uuid"])
        if before is None or int(before["timestamp"]) < int(item["timestamp"]):
            attributes[item["uuid"]] = item

    @property
    def detected(self):
        """What it would detect."""
        return {
            (item["type"], item["value"])
            for event in self.events.values()
            for item in event["attributes"].values()
            if item["to_ids"] and not item["deleted"]
        }

    def attribute(self, value):
        """Return the attribute of a value."""
        (found,) = [
            item
            for event in self.events.values()
            for item in event["attributes"].values()
            if item["value"] == value
        ]
        return found
