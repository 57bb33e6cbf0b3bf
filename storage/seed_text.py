"""Reads a seed file's YAML with the line of each value, so that an error names the place; refuses what is ambiguous."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]

_LARGEST = 1_000_000
_DEEPEST = 20
_MOST_VALUES = 50_000
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where; the text never holds a value of the file, since it may be a secret."""

    line: int
    path: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.path + ': ' if self.path else ''}{self.text}"


class SeedError(ValueError):
    """The seed file cannot be used; lists every problem with its line."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__("\n".join([f"{name} cannot be used:", *(f"  {problem}" for problem in self.problems)]))


@dataclass
class Text:
    """The plain data of a file, the line of every path in it, and what was wrong so far."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of the path, or of the nearest thing that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_text(text: str, environment: Mapping[str, str]) -> Text:
    """Read YAML into plain data; ``${NAME}`` in a value stands for that environment variable."""
    found = Text()
    if len(text) > _LARGEST:
        found.problems.append(Problem(1, "", "the file is larger than 1 MB"))
        return found
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        found.data = _Reader(loader, environment, found).value(node, ()) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found.problems.append(Problem(mark.line + 1 if mark else 1, "", f"not readable as YAML: {error.problem}"))
    finally:
        loader.dispose()
    return found


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, environment: Mapping[str, str], found: Text) -> None:
        self._loader = loader
        self._environment = environment
        self._found = found
        self._values = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._found.lines[path] = node.start_mark.line + 1
        self._values += 1
        if len(path) > _DEEPEST or self._values > _MOST_VALUES:
            raise yaml.MarkedYAMLError(problem="too much in one file", problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in values:
                self._found.lines[(*path, key)] = key_node.start_mark.line + 1
                self._wrong((*path, key), "is there twice")
                continue
            values[key] = self.value(value_node, (*path, key))
            self._found.lines[(*path, key)] = key_node.start_mark.line + 1
        return values

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._wrong(path, "not a plain value")
            return None
        return self._filled(value, path) if isinstance(value, str) else value

    def _filled(self, value: str, path: Path) -> str:
        def put_in(match: re.Match[str]) -> str:
            name = match.group(1)
            if not self._environment.get(name):
                self._wrong(path, f"the environment variable {name} is not set")
            return self._environment.get(name, "")

        return _REFERENCE.sub(put_in, value)

    def _wrong(self, path: Path, text: str) -> None:
        self._found.problems.append(Problem(self._found.line(path), readable(path), text))


def readable(path: Path) -> str:
    """Return a path as people write it: ``sources[0].account``."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else (f".{part}" if words else part)
    return words
