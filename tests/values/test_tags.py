"""How tag names are compared."""

import pytest

from core.values.tags import tag_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C2", "c2"),
        ("South Korea", "south_korea"),
        ("tlp:amber+strict", "tlp:amberstrict"),
        ('misp-galaxy:threat-actor="Sofacy"', "misp-galaxy:threat-actorsofacy"),
        ("Café", "cafe"),
        ("ﬁle.a-b_c:d", "file.a-b_c:d"),
        ("Мир", "мир"),
        ("日本語", "日本語"),
        ("+++", "+++"),
    ],
)
def test_tags_are_compared_in_one_form(name, key):
    """Case, accents, blanks and signs make no difference; letters of any script do."""
    assert key == tag_key(name)
    assert key == tag_key(key)
