"""A delivery that is not settled yet."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Again:
    """Look after the delivery again in that many seconds; 0 means that it was just settled."""

    seconds: float
