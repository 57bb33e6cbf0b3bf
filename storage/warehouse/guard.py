"""A query may read only the tables it is meant to read; its syntax tree is looked at before it runs."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from storage.warehouse.errors import NotReadable
from storage.warehouse.session import Session

#: functions in FROM that read nothing
_HARMLESS = frozenset({"unnest", "range", "generate_series"})
#: kinds of FROM items that show the catalog itself
_REFUSED = ("SHOW_REF", "COLUMN_DATA", "BOUND_TABLE_REF")


def check_select(session: Session, sql: str, allowed: Callable[[str], bool]) -> None:
    """Refuse anything but one SELECT over allowed, unqualified tables (NotReadable).

    Qualified names, table functions (files, catalogs, other databases) and statements that write are refused.
    """
    tree = json.loads(session.row("SELECT json_serialize_sql(?::VARCHAR)", (sql,))[0])
    if tree.get("error"):
        raise NotReadable(f"not one SELECT that can be understood: {tree.get('error_message')}")
    if len(tree["statements"]) != 1:
        raise NotReadable("one SELECT at a time")
    _walk(tree["statements"][0], allowed, frozenset())


def _walk(node: Any, allowed: Callable[[str], bool], known: frozenset[str]) -> None:
    """Visit every node; `known` are the names that WITH has given so far in this scope."""
    if isinstance(node, list):
        for item in node:
            _walk(item, allowed, known)
    elif isinstance(node, dict):
        for entry in (node.get("cte_map") or {}).get("map", []):
            own = _name(entry["key"])
            body = entry["value"]
            # Only a recursive query may mean itself; in any other the name still means the table outside.
            _walk(body, allowed, known | {own} if _recursive(body) else known)
            known |= {own}
        _check(node, allowed, known)
        for key, value in node.items():
            if key != "cte_map":
                _walk(value, allowed, known)


def _check(node: Mapping[str, Any], allowed: Callable[[str], bool], known: frozenset[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = _name(node["table_name"])
        if node["catalog_name"] or node["schema_name"] or not (name in known or allowed(name)):
            raise NotReadable(f"not a table that can be read here: {node['table_name']}")
    elif kind == "TABLE_FUNCTION":
        function = node["function"]["function_name"]
        if _name(function) not in _HARMLESS:
            raise NotReadable(f"not a function that can be read from: {function}")
    elif kind in _REFUSED:
        raise NotReadable("the catalog itself is not read here")


def _recursive(body: Any) -> bool:
    return "RECURSIVE_CTE_NODE" in json.dumps(body)


def _name(name: str) -> str:
    return name.casefold()
