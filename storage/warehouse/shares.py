"""Keys parted into shares, so that what one statement brings together does not grow with the number of records.

The engine keeps the whole inner side of a join, and every text of a group, in memory: a first read of a million records
ended at its memory limit. What is parted is read once for each share, but only in the columns of keys and hashes.
"""

from collections.abc import Callable

#: keys that one statement brings together, unless told otherwise: some 30 MB of what a connection may use
KEYS = 250_000

#: the SQL condition for the keys of one share, made for a column that holds keys
Share = Callable[[str], str]


def every_key(_: str) -> str:
    """Part nothing."""
    return "true"


def shares(keys: int, most: int) -> list[Share]:
    """Part so many keys by their hash into shares of about `most`, each key in exactly one."""
    number = max(1, -(-keys // most))
    return [every_key] if number == 1 else [_share(place, number) for place in range(number)]


def _share(place: int, number: int) -> Share:
    return lambda column: f"hash({column}) % {number} = {place}"
