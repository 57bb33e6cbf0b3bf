"""Reads the YAML of profiles and layers into plain data: text, whole numbers, true and false, lists and maps, no more.

Names that come twice, anchors, tags, and whatever is too large or too deep are refused with their line.
"""

from typing import Any

import yaml

LARGEST = 200_000
_DEEPEST = 12
_MOST_VALUES = 20_000
_PLAIN = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:bool": bool,
}
_TRUE, _FALSE = {"true"}, {"false"}


class YamlProblem(ValueError):  # noqa: N818 - what is wrong with a text
    """A text that is no plain YAML; the message begins with its line."""


def plain_yaml(text: str) -> Any:
    """Return the data; YamlProblem when the text is more than plain data, or ambiguous."""
    if len(text) > LARGEST:
        raise YamlProblem(f"line 1: the text has more than {LARGEST} characters")
    # The safe loader of pure Python: it says where each value stands, and its nodes are made into values here.
    loader = yaml.SafeLoader(text)
    try:
        _refuse_references(text)
        node = loader.get_single_node()
        return None if node is None else _Reader().value(node, 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlProblem(f"line {mark.line + 1 if mark else 1}: {error.problem or 'not readable as YAML'}") from None
    except yaml.YAMLError as error:
        raise YamlProblem(f"line 1: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise YamlProblem("line 1: parts lie too deep in each other") from None
    finally:
        loader.dispose()


def _refuse_references(text: str) -> None:
    """Look at the words first: an alias could otherwise be a billion values before anybody counts them."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlProblem(f"line {line}: anchors and references (& and *) are not read; write it out")
        if getattr(event, "tag", None):
            raise YamlProblem(f"line {line}: tags (!) are not read")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise YamlProblem(f"line {line}: parts lie at most {_DEEPEST} deep in each other")


class _Reader:
    def __init__(self) -> None:
        self._values = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise YamlProblem(f"line {node.start_mark.line + 1}: more than {_MOST_VALUES} values")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlProblem(f"line {line}: a name is expected")
            if key_node.value in values:
                raise YamlProblem(f"line {line}: {key_node.value[:60]} is there twice")
            values[key_node.value] = self.value(value_node, depth + 1)
        return values


def _scalar(node: yaml.Node) -> str | int | bool:
    kind, text = _PLAIN.get(node.tag), node.value
    if kind is bool and text in _TRUE | _FALSE:
        return bool(text in _TRUE)
    if kind is int and text.isascii() and text.isdigit() and len(text) <= 9 and (text == "0" or text[0] != "0"):
        return int(text)
    if kind is not None or node.tag == "tag:yaml.org,2002:float":
        # 007, 1.50, 0x10, "no" and the like stay what was written: YAML would make other things of them.
        return str(text)
    if node.tag in {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}:
        return str(text)
    where = f"line {node.start_mark.line + 1}"
    raise YamlProblem(f"{where}: a value is expected; between braces, a value with commas stands in quotes")
