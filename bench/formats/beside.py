"""The builders of STIX and of a MISP feed beside the libraries that others use, on the same observables in one run.

Both are given rows that are in memory.  What the ``stix2`` library makes are the same indicators: its time is that of
its own classes, which look at every property and parse every pattern.  PyMISP is used as MISP's own generator of feeds
uses it: events of attributes, each written by ``to_feed``, and a manifest and hashes of them.

They take turns, and the fastest of each counts: what else the machine does meanwhile disturbs neither more.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.formats.stores import MIXED
from bench.store import LATER, store_of
from core.exports.formats import get_format, parse_options
from core.exports.output import Rendered, SpoolOutput
from core.schemas.export import Selection
from core.store.collector import collector_off
from core.store.snapshot import Row

ATTRIBUTES_PER_EVENT = 1_000
ROUNDS = 3
VALIDATED = 500
"""So many objects of the bundle, and one of each kind at least, ``stix2-validator`` is asked about; it needs some
milliseconds for each."""


@dataclass(frozen=True, slots=True)
class Beside:
    """How many microseconds an object takes, and what was made.

    Attributes:
        name: Of the format.
        library: Whose objects the others are, with its version.
        rows: Observables that were rendered here.
        ours_us: Of each of them.
        theirs_us: The same of the library, of as many as fit into the time.
        is_valid: Whether what we made is what the library reads, or its validator accepts.
    """

    name: str
    library: str
    rows: int
    ours_us: float
    theirs_us: float
    is_valid: bool

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.theirs_us / self.ours_us


def stix(folder: Path, rows: int, compared: int) -> Beside:
    """Build a bundle of *rows* observables, and *compared* of its indicators with the library."""
    import stix2

    batches = _rows(folder, "stix", rows)
    with TemporaryDirectory(dir=folder) as spool:
        rendered = _render("stix", batches, Path(spool, "first"))
        objects = json.loads(rendered.files[0].path.read_bytes())["objects"]
        indicators = [item for item in objects if item["type"] == "indicator"]
        given = [_properties(item) for item in indicators[:: max(1, len(indicators) // compared)]]
        ours, theirs = _fastest(
            lambda number: _render("stix", batches, Path(spool, str(number))),
            lambda _: stix2.Bundle(objects=[stix2.Indicator(**properties) for properties in given]).serialize(),
        )
    is_valid = _is_whole(len(indicators), rendered, batches) and _is_valid_stix(across(objects))
    return Beside(
        "stix",
        f"stix2 {stix2.__version__}",
        rows,
        ours / len(indicators) * 1e6,
        theirs / len(given) * 1e6,
        is_valid,
    )


def misp(folder: Path, rows: int, compared: int) -> Beside:
    """Make a feed of *rows* observables, and of *compared* of its attributes with PyMISP."""
    import pymisp

    batches = _rows(folder, "misp-feed", rows)
    with TemporaryDirectory(dir=folder) as spool:
        rendered = _render("misp-feed", batches, Path(spool, "first"))
        events = [file.path for file in rendered.files if file.name not in {"manifest.json", "hashes.csv"}]
        attributes = [item for path in events for item in json.loads(path.read_bytes())["Event"]["Attribute"]]
        known = pymisp.MISPEvent()
        known.load_file(str(events[0]))
        is_valid = _is_whole(len(attributes), rendered, batches) and bool(known.attributes)
        given = attributes[:: max(1, len(attributes) // compared)]
        ours, theirs = _fastest(
            lambda number: _render("misp-feed", batches, Path(spool, str(number))),
            lambda _: _feed_by_pymisp(given, Path(spool)),
        )
    library = f"PyMISP {pymisp.__version__}"
    return Beside("misp-feed", library, rows, ours / len(attributes) * 1e6, theirs / len(given) * 1e6, is_valid)


def _feed_by_pymisp(attributes: list[dict[str, object]], folder: Path) -> None:
    from pymisp import MISPEvent, MISPOrganisation

    organisation = MISPOrganisation()
    organisation.from_dict(name="bench", uuid="5b1a2ff9-7ba4-4f4c-8d0b-111111111111")

    manifest, hashes = {}, []
    for start in range(0, len(attributes), ATTRIBUTES_PER_EVENT):
        event = MISPEvent()
        event.from_dict(
            info="bench", date="2026-01-01", threat_level_id=4, analysis=2, timestamp=1, published=True
        )
        event.Orgc = organisation
        for item in attributes[start : start + ATTRIBUTES_PER_EVENT]:
            made = event.add_attribute(
                item["type"], item["value"], to_ids=item["to_ids"], uuid=item["uuid"], timestamp=item["timestamp"]
            )
            for tag in item.get("Tag", ()):  # type: ignore[attr-defined]
                made.add_tag(tag["name"])  # type: ignore[union-attr]
        feed = event.to_feed(with_meta=False)
        (folder / f"{event.uuid}.json").write_text(json.dumps(feed, indent=2), encoding="utf-8")
        manifest.update(event.manifest)
        hashes += [f"{found},{event.uuid}" for found in event.attributes_hashes("md5")]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "hashes.csv").write_text("\n".join(hashes), encoding="utf-8")


def _rows(folder: Path, name: str, most: int) -> list[list[Row]]:
    """Return batches of *most* rows that the format takes, in memory."""
    form = get_format(name)
    with store_of(folder, MIXED) as store, store.snapshot() as snapshot, collector_off():
        selection = Selection(types=tuple(sorted(form.TYPES or ())))
        step = max(1, snapshot.count(selection, LATER) // most)
        return [batch[::step] for batch in snapshot.rows(selection, LATER, listed_by=0)]


def _render(name: str, batches: list[list[Row]], folder: Path) -> Rendered:
    form = get_format(name)
    folder.mkdir()
    out = SpoolOutput(
        folder, getattr(form, "FILE_NAME", "") or "x.json", form.MEDIA_TYPE, export="x", instant=LATER
    )
    form.render(iter(batches), out, parse_options(form, {}))
    return out.finish(is_complete=True)


def _fastest(*makers: Callable[[int], object]) -> list[float]:
    """Return how many seconds each of them took at its fastest; each is given the number of the round."""
    took: list[list[float]] = [[] for _ in makers]
    for number in range(ROUNDS):
        for make, found in zip(makers, took, strict=True):
            with collector_off():
                began = time.perf_counter()
                make(number)
                found.append(time.perf_counter() - began)
    return [min(found) for found in took]


def _is_whole(objects: int, rendered: Rendered, batches: list[list[Row]]) -> bool:
    return objects == rendered.entries == sum(map(len, batches)) - rendered.refused


def _properties(item: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in item.items() if key not in {"type", "spec_version"}}


def across(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return some of *objects*, in their order, from the first to the last, and of each kind the first."""
    first: dict[str, int] = {}
    for place, item in enumerate(objects):
        first.setdefault(kind_of(item), place)
    places = {*first.values(), *range(0, len(objects), -(-len(objects) // VALIDATED) or 1)}
    return [objects[place] for place in sorted(places)]


def kind_of(item: dict[str, Any]) -> str:
    """Return what an object is about: its type, and of an indicator what its pattern compares, and how."""
    return " ".join([item["type"], *item.get("pattern", "").split(" ")[:2]])


def _is_valid_stix(objects: list[dict[str, object]]) -> bool:
    from stix2validator import ValidationOptions, validate_instance

    bundle = {"type": "bundle", "id": "bundle--5b1a2ff9-7ba4-4f4c-8d0b-111111111111", "objects": objects}
    return bool(validate_instance(bundle, ValidationOptions(version="2.1")).is_valid)


BOTH: dict[str, Callable[[Path, int, int], Beside]] = {"stix": stix, "misp-feed": misp}


def main() -> None:
    """Read the words of a command, and print what was measured."""
    name, folder, rows, compared = sys.argv[1:]
    print(json.dumps(asdict(BOTH[name](Path(folder), int(rows), int(compared)))))


if __name__ == "__main__":
    main()
