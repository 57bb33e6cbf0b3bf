"""Keys made of cells: two different keys never read the same."""

import hashlib
from collections.abc import Iterable

#: what parts of a key are joined with; a cell that holds it is written otherwise
JOINT = "|"
_LONGEST = 200


def plain(part: str) -> str:
    """Return a part of a key in a form that holds no sign of ours."""
    if len(part) > _LONGEST:
        return "~" + hashlib.sha256(part.encode()).hexdigest()
    return part.replace("%", "%25").replace(JOINT, "%7C").replace("#", "%23").replace("~", "%7E")


def joined(parts: Iterable[str]) -> str:
    """Return one key of its parts."""
    return JOINT.join(map(plain, parts))
