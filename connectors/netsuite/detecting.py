"""Filling a feed of the form in from a file: what the file suggests, and its first rows as they would be read then."""

import asyncio
from collections.abc import Mapping

import msgspec

from connectors.errors import Broken
from connectors.files.wrong import FileError
from connectors.grants import FormAnswer, HintError, RowAnswer, Sample
from connectors.netsuite.feeds import Feed
from connectors.netsuite.sample import propose
from connectors.netsuite.trying import Opened, newest, opened, plain, preview
from connectors.netsuite.typed import NAME, feed_of, heading

#: what a person chose stays, whatever the file suggests
_CHOSEN = ("name", "pattern")


async def answered(place: Opened, typed: Mapping[str, str], number: int) -> FormAnswer:
    """Fill a block in from the newest file that lies there; HintError, ConnectorError."""
    found = await newest(place)
    if found is None:
        raise HintError(
            f"{heading(number, _block(typed, number))}: no such file lies there yet. Give a sample instead."
        )
    file, body = found
    sample = Sample(file.name or file.path, body)
    return await filled(typed, number, sample, mailed=place.grant.mail is not None)


async def filled(typed: Mapping[str, str], number: int, sample: Sample, *, mailed: bool) -> FormAnswer:
    """Fill a block in from a file; HintError for one that is no table."""
    name = plain(sample.name)
    where = heading(number, _block(typed, number))
    if not sample.body:
        raise HintError(f"{where}: the file {name} is empty.")
    try:
        found = await asyncio.to_thread(propose, sample.name, sample.body)
    except FileError as error:
        raise HintError(f"{where}: the file {name} {error}.") from error
    said = _block(typed, number)
    new = found.typed | {one: said[one] for one in _CHOSEN if said.get(one)} | ({"stamp": "name"} if mailed else {})
    lines = [
        f"Filled in from {name}. Look it over, then choose what a new file does to the rows that are there.",
        *found.notes,
    ]
    filled_in = said | new
    answer = await asyncio.to_thread(_read, number, filled_in, sample, tuple(lines))
    return FormAnswer({number: answer}, {f"{NAME}.{number}.{one}": value for one, value in new.items()})


def _read(number: int, said: Mapping[str, str], sample: Sample, lines: tuple[str, ...]) -> RowAnswer:
    try:
        feed = msgspec.convert(feed_of(number, said), Feed)
        rows = opened(feed, sample.name, sample.body)
    except HintError as error:
        return RowAnswer(good=False, lines=(*lines, str(error)))
    except Broken as error:
        return RowAnswer(good=False, lines=(*lines, f"{error.detail[:1].upper()}{error.detail[1:]}."))
    except msgspec.ValidationError:
        return RowAnswer(good=False, lines=lines)
    header, shown = preview(feed, rows.first)
    count = f"{rows.count:,} rows" if rows.whole else f"{rows.count:,} rows were looked at, and there are more"
    told = f"{count}. The first ones, as they would be read:"
    return RowAnswer(good=True, lines=(*lines, told), header=header, rows=shown)


def _block(typed: Mapping[str, str], number: int) -> dict[str, str]:
    start = f"{NAME}.{number}."
    return {name.removeprefix(start): value.strip() for name, value in typed.items() if name.startswith(start)}
