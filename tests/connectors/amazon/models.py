"""A reader of Amazon's published models: enough of OpenAPI 2 to say what is wrong with an answer or a request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Model:
    """One model file."""

    def __init__(self, file: Path) -> None:
        self.document: dict[str, Any] = json.loads(file.read_text())

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """Return the operation that a path belongs to."""
        for template, operations in self.document["paths"].items():
            parts, asked = template.split("/"), path.split("/")
            if len(parts) == len(asked) and all(p.startswith("{") or p == a for p, a in zip(parts, asked, strict=True)):
                return template, operations[method.lower()]
        raise AssertionError(f"{method} {path} is in no model")

    def wrong_answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """Return what is wrong with an answer."""
        schema = self.operation(method, path)[1]["responses"][str(status)]["schema"]
        return list(self.wrong(schema, body, "answer"))

    def wrong_request(self, method: str, path: str, query: dict[str, str], body: Any) -> list[str]:
        """Return what is wrong with a request."""
        found = []
        parameters = {p["name"]: p for p in self.operation(method, path)[1].get("parameters", []) if "in" in p}
        for name, said in query.items():
            known = parameters.get(name)
            if known is None or known["in"] != "query":
                found.append(f"{name} is no parameter")
                continue
            values = said.split(",") if known["type"] == "array" else [said]
            limit = known.get("maxItems")
            if limit and len(values) > limit:
                found.append(f"{name} holds more than {limit}")
            allowed = (known.get("items") or {}).get("enum") or known.get("enum")
            found += [f"{name}: {value} is not allowed" for value in values if allowed and value not in allowed]
        found += [
            f"{name} is missing"
            for name, p in parameters.items()
            if p["in"] == "query" and p.get("required") and name not in query
        ]
        for parameter in parameters.values():
            if parameter["in"] == "body":
                found += self.wrong(parameter["schema"], body, "body")
        return found

    def wrong(self, schema: dict[str, Any], said: Any, where: str) -> Iterator[str]:
        """Yield what is wrong with a value; a key that the model does not know is wrong, too."""
        while "$ref" in schema:
            schema = self.document["definitions"][schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type", "object")
        if not isinstance(said, _TYPES[kind]) or (isinstance(said, bool) and kind != "boolean"):
            yield f"{where} is no {kind}"
            return
        if "enum" in schema and said not in schema["enum"]:
            yield f"{where} is not one of the allowed values"
        if isinstance(said, list):
            if len(said) > schema.get("maxItems", len(said)):
                yield f"{where} holds too many"
            for number, item in enumerate(said):
                yield from self.wrong(schema["items"], item, f"{where}[{number}]")
        if isinstance(said, dict) and "properties" in schema:
            known = schema["properties"]
            for name in schema.get("required", ()):
                if name not in said:
                    yield f"{where}.{name} is missing"
            for name, value in said.items():
                if name not in known:
                    yield f"{where}.{name} is not in the model"
                else:
                    yield from self.wrong(known[name], value, f"{where}.{name}")
