"""Where in a layer's text a problem stands, for whoever typed it."""

import re
from collections.abc import Iterator, Sequence

import yaml

_LINE = re.compile(r"line \d+: ")

#: the way to a name, and its line
Place = tuple[tuple[str, ...], int]


def located(text: str, problems: Sequence[str]) -> list[str]:
    """Return problems with the line of what they are about; as they are where no line is sure."""
    places = list(_places(text))
    return [problem if _LINE.match(problem) else _told(problem, places) for problem in problems]


def _told(problem: str, places: Sequence[Place]) -> str:
    # "customers PHONE: not allowed ...", and without a place before it: "pair is not known; ..."
    words = problem.partition(": ")[0].split() if ": " in problem else problem.split()[:1]
    best, line = 0, 0
    for way, at in places:
        fits = sum(name in words for name in way)
        # The first name that all words lead to; one of which the last is not meant says nothing.
        if way[-1] in words and fits > best:
            best, line = fits, at
    return f"line {line}: {problem}" if line else problem


def _places(text: str) -> Iterator[Place]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return
    yield from _below(node, ())


def _below(node: "yaml.Node | None", way: tuple[str, ...]) -> Iterator[Place]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            yield (*way, key.value), key.start_mark.line + 1
            yield from _below(value, (*way, key.value))
