"""Reads a profile strictly: every name is known, every expression compiles, and all problems are told at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

from jobs.exchange.fil import Longer
from jobs.exchange.mapping.mapper import check
from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.profile import ColumnMapping, Control, PairMapping, Profile, Rows, Skip
from jobs.exchange.mapping.values import Kind
from jobs.exchange.mapping.yaml_text import YamlProblem, plain_yaml

DEFAULT = "inventiv-default"
MOST_COLUMNS = 200
_MOST_WIDTH = 10_000
_COLUMN = re.compile(r"[A-Z][A-Z0-9_]{0,30}", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,40}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*", re.ASCII)
_FILE = re.compile(r"[a-z0-9_-]{1,40}", re.ASCII)
_PROFILE = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
_FIELD_KINDS = {Kind.TEXT, Kind.NUMBER, Kind.FLAG, Kind.DATE, Kind.INSTANT}
_TOP = {"profile", "version", "status", "note", "inputs", "tables", "pairs"}
_PAIR = {"file", "identity", "revision", "keys", "fields", "values", "skip", "rows", "control", "columns"}
COLUMN_KEYS = {"from", "kind", "width", "longer", "required"}


@dataclass
class Problems:
    """What is wrong so far."""

    found: list[str] = field(default_factory=list)

    def add(self, place: str, text: str) -> None:
        """Note a problem with its place."""
        self.found.append(f"{place}: {text}" if place else text)

    def stop(self) -> None:
        """Raise MappingError when there is any."""
        if self.found:
            raise MappingError(self.found)


def load_profile(name: str = DEFAULT, version: int | None = None) -> Profile:
    """Return a profile of the product, the newest version unless one is named; MappingError when there is none.

    Every version that was ever shipped stays, so that an organization may stay with it.
    """
    known = versions(name)
    if not known:
        raise MappingError([f"there is no profile {name[:60]}"])
    wanted = known[-1] if version is None else version
    if wanted not in known:
        raise MappingError([f"{name} has no version {wanted}"])
    return _shipped(name, wanted)


def versions(name: str = DEFAULT) -> list[int]:
    """Return the versions of a profile, oldest first: the first is `<name>.yaml`, then `<name>.2.yaml`."""
    if not _PROFILE.fullmatch(name):
        return []
    found = []
    for each in resources.files("jobs.exchange.profiles").iterdir():
        match = re.fullmatch(re.escape(name) + r"(?:\.([0-9]{1,4}))?\.yaml", each.name)
        if match:
            found.append(int(match[1] or 1))
    return sorted(found)


@cache
def _shipped(name: str, version: int) -> Profile:
    file = f"{name}.yaml" if version == 1 else f"{name}.{version}.yaml"
    profile = read_profile((resources.files("jobs.exchange.profiles") / file).read_text("utf-8"))
    if (profile.name, profile.version) != (name, version):
        raise MappingError([f"{file} says that it is {profile.name} {profile.version}"])
    return profile


def read_profile(text: str) -> Profile:
    """Return the profile that a text is; MappingError with everything that is wrong."""
    problems = Problems()
    try:
        data = plain_yaml(text)
    except YamlProblem as problem:
        raise MappingError([str(problem)]) from None
    top = mapping(data, "", _TOP, problems)
    name, version = word(top, "profile", "", problems, _PROFILE), top.get("version")
    if type(version) is not int or version < 1:
        problems.add("version", "a whole number from 1 is expected")
        version = 1
    inputs = {
        key: said if isinstance(said, str) else ""
        for key, said in mapping(top.get("inputs", {}), "inputs", None, problems).items()
    }
    found_tables = tables(top.get("tables", {}), "tables", problems)
    pairs = {
        each: _pair(each, data, found_tables, tuple(sorted(inputs)), problems)
        for each, data in mapping(top.get("pairs", {}), "pairs", None, problems).items()
    }
    problems.stop()
    checked = {each: checked_pair(pair, each, problems) for each, pair in pairs.items()}
    problems.stop()
    status, note = text_of(top, "status", "", problems), text_of(top, "note", "", problems)
    problems.stop()
    return Profile(name, version, status, note, checked, found_tables, inputs)


def checked_pair(pair: PairMapping, place: str, problems: Problems) -> PairMapping:
    """Return a pair with the inputs that it uses; what does not compile is noted."""
    wrong, inputs = check(pair)
    for where, text in wrong:
        problems.add(f"{place} {where}", text)
    return replace(pair, inputs=tuple(sorted(inputs)))


def _pair(
    name: str, data: Any, found_tables: Mapping[str, Mapping[str, str]], inputs: tuple[str, ...], problems: Problems
) -> PairMapping:
    part = mapping(data, name, _PAIR, problems)
    if not _WORD.fullmatch(name):
        problems.add(name[:60], "a pair is called in small letters")
    file = text_of(part, "file", name, problems)
    if file and not _FILE.fullmatch(file):
        problems.add(name, "file: small letters, digits, - and _ are allowed")
    columns = tuple(
        column_of(each, said, name, problems)
        for each, said in mapping(part.get("columns", {}), f"{name} columns", None, problems).items()
    )
    if not 0 < len(columns) <= MOST_COLUMNS:
        problems.add(name, f"1 to {MOST_COLUMNS} columns are expected")
    return PairMapping(
        name=name,
        file=file,
        fields=fields(part.get("fields", {}), f"{name} fields", problems),
        columns=columns,
        keys=_names(part, "keys", name, problems),
        identity=text_of(part, "identity", name, problems, needed=False) or "Id",
        revision=text_of(part, "revision", name, problems, needed=False),
        values=values(part.get("values", {}), f"{name} values", problems),
        skips=skips(part.get("skip", []), f"{name} skip", problems),
        rows=_rows(part.get("rows"), f"{name} rows", problems),
        control=_control(part.get("control"), f"{name} control", problems),
        tables=found_tables,
        declared_inputs=inputs,
    )


def column_of(name: str, said: Any, pair: str, problems: Problems) -> ColumnMapping:
    """Return a column: its expression alone, or a group of what is said of it."""
    place = f"{pair} {name[:60]}"
    if not _COLUMN.fullmatch(name):
        problems.add(place, "a column is called in capitals, digits and _, at most 31 of them")
        name = "WRONG"
    if isinstance(said, str | int) and not isinstance(said, bool):
        return ColumnMapping(name, str(said))
    part = mapping(said, place, COLUMN_KEYS, problems)
    width = part.get("width", 0)
    if type(width) is not int or not 0 <= width <= _MOST_WIDTH:
        problems.add(place, f"width: a whole number from 0 to {_MOST_WIDTH} is expected")
        width = 0
    required = part.get("required", False)
    if not isinstance(required, bool):
        problems.add(place, "required: true or false is expected")
        required = False
    return ColumnMapping(
        name,
        text_of(part, "from", place, problems),
        one_of(Kind, part.get("kind", "text"), f"{place} kind", problems),
        width,
        one_of(Longer, part.get("longer", "refuse"), f"{place} longer", problems),
        required,
    )


def fields(data: Any, place: str, problems: Problems) -> dict[str, Kind]:
    """Return the fields of a record: `text: [Id, ...]`, and so on for each kind."""
    found: dict[str, Kind] = {}
    for kind, names in mapping(data, place, {kind.value for kind in _FIELD_KINDS}, problems).items():
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str) or not _FIELD.fullmatch(name):
                problems.add(place, f"{str(name)[:60]}: a field is written Name.Name")
            elif name in found:
                problems.add(place, f"{name} is there twice")
            else:
                found[name] = Kind(kind)
    return found


def values(data: Any, place: str, problems: Problems) -> dict[str, str]:
    """Return expressions that have names."""
    return {
        name: said
        for name, said in mapping(data, place, None, problems).items()
        if _named(name, said, place, problems, lambda one: isinstance(one, str))
    }


def tables(data: Any, place: str, problems: Problems) -> dict[str, dict[str, str]]:
    """Return tables from text to text."""
    found: dict[str, dict[str, str]] = {}
    for name, said in mapping(data, place, None, problems).items():
        if _named(name, said, place, problems, lambda one: isinstance(one, dict)):
            found[name] = {key: str(value) for key, value in said.items() if isinstance(value, str | int)}
            if len(found[name]) != len(said):
                problems.add(f"{place} {name}", "each entry is a text for a text")
    return found


def skips(data: Any, place: str, problems: Problems) -> tuple[Skip, ...]:
    """Return which records are left out, and why."""
    if not isinstance(data, list):
        problems.add(place, "a list is expected")
        return ()
    parts = [mapping(each, place, {"when", "because"}, problems) for each in data]
    return tuple(Skip(text_of(p, "when", place, problems), text_of(p, "because", place, problems)) for p in parts)


def _rows(data: Any, place: str, problems: Problems) -> Rows | None:
    if data is None:
        return None
    part = mapping(data, place, {"each", "inside", "where", "none_when"}, problems)
    said = {
        key: text_of(part, key, place, problems, needed=key == "each")
        for key in ("each", "inside", "where", "none_when")
    }
    return Rows(**said)


def _control(data: Any, place: str, problems: Problems) -> Control | None:
    if data is None:
        return None
    part = mapping(data, place, {"sum", "plus", "minus", "total"}, problems)
    return Control(
        text_of(part, "sum", place, problems),
        text_of(part, "total", place, problems),
        _names(part, "plus", place, problems),
        _names(part, "minus", place, problems),
    )


# -- parts -------------------------------------------------------------------------------------------------------------


def mapping(data: Any, place: str, known: set[str] | None, problems: Problems) -> dict[str, Any]:
    """Return a group of names; what is none, and names that are not known, are noted."""
    if not isinstance(data, dict):
        problems.add(place, "a group of names is expected")
        return {}
    for name in data if known is not None else ():
        if known is not None and name not in known:
            problems.add(place, f"{name[:60]} is not known; allowed are {', '.join(sorted(known))}")
    return data


def text_of(part: Mapping[str, Any], key: str, place: str, problems: Problems, *, needed: bool = True) -> str:
    """Return a text of a group."""
    said = part.get(key, "")
    if isinstance(said, str | int) and not isinstance(said, bool) and (str(said) or not needed):
        return str(said)
    problems.add(f"{place} {key}".strip(), "a text is expected")
    return ""


def word(part: Mapping[str, Any], key: str, place: str, problems: Problems, form: re.Pattern[str] = _WORD) -> str:
    """Return a name of a group."""
    said = text_of(part, key, place, problems)
    if said and not form.fullmatch(said):
        problems.add(f"{place} {key}".strip(), "small letters and digits are expected")
    return said


def one_of(names: Any, said: Any, place: str, problems: Problems) -> Any:
    """Return the member of an enumeration that a text names."""
    try:
        return names(said)
    except ValueError:
        problems.add(place, f"{str(said)[:40]} is not known; allowed are {', '.join(each.value for each in names)}")
        return next(iter(names))


def _names(part: Mapping[str, Any], key: str, place: str, problems: Problems) -> tuple[str, ...]:
    said = part.get(key, [])
    if isinstance(said, list) and all(isinstance(each, str) for each in said):
        return tuple(said)
    problems.add(f"{place} {key}", "a list of columns is expected")
    return ()


def _named(name: str, said: Any, place: str, problems: Problems, right: Callable[[Any], bool]) -> bool:
    if _WORD.fullmatch(name) and right(said):
        return True
    problems.add(f"{place} {name[:60]}", "a name in small letters with what it stands for is expected")
    return False
