"""Which tags are markings of the Traffic Light Protocol."""

import pytest

from core.schemas.claim import TLP
from core.values.markings import strictest, tlp_of


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("tlp:clear", TLP.CLEAR),
        ("TLP:WHITE", TLP.CLEAR),
        ("tlp:green", TLP.GREEN),
        (" tlp : amber ", TLP.AMBER),
        ("tlp:amber+strict", TLP.AMBER_STRICT),
        ("TLP:AMBER STRICT", TLP.AMBER_STRICT),
        ("tlp:amber-strict", TLP.AMBER_STRICT),
        ("tlp:amberstrict", TLP.AMBER_STRICT),
        ("TLP:Red", TLP.RED),
        ("tlp:strict", None),
        ("tlp:red+strict", None),
        ("tlp:", None),
        ("tlpred", None),
        ("x tlp:red", None),
        ("tlp:red\nx", None),
        ("", None),
    ],
)
def test_a_tag_is_a_marking_or_none(tag, expected):
    """In the words of TLP 1 and 2, in any case; nothing else."""
    assert expected is tlp_of(tag)


@pytest.mark.parametrize(
    ("markings", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([TLP.CLEAR, None], TLP.CLEAR),
        ([TLP.AMBER, TLP.AMBER_STRICT, TLP.GREEN], TLP.AMBER_STRICT),
        ([TLP.RED, TLP.CLEAR], TLP.RED),
    ],
)
def test_the_strictest_of_several(markings, expected):
    """What says nothing loosens nothing."""
    assert expected is strictest(markings)
