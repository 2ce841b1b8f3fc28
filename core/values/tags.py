"""How tag names are compared."""

import re
import unicodedata
from functools import lru_cache

_DROPPED = re.compile(r"[^\w.:-]")


@lru_cache(maxsize=65_536)
def tag_key(name: str) -> str:
    """Return the form of *name* in which tags are compared; the stored spelling stays as it is.

    Compatibility-decomposed, in lower case, blanks as ``_``, and without anything but letters, digits and
    ``_ . : -``: for names in ASCII that is Yeti's rule.  Letters of other scripts stay, where Yeti drops them:
    otherwise every tag in Cyrillic would be the same tag.  A name that holds nothing else is its own key.
    """
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", name.strip()) if not unicodedata.combining(char)
    )
    spaced = plain.lower().replace(" ", "_")
    return _DROPPED.sub("", spaced) or name.strip().lower()
