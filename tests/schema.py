"""The written schema of the HTTP interface, docs/openapi.json: its operations, and whether a value fits."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from live import ROOT

SCHEMA = json.loads((ROOT / "docs" / "openapi.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
TYPES |= {"integer": int, "number": (int, float)}


@dataclass(frozen=True)
class Operation:
    """One method of one address. `parameters` and `form` map names to schemas, `body` is the schema of a JSON body."""

    method: str
    path: str
    parameters: Mapping[str, Mapping]
    query: Mapping[str, Mapping]
    form: Mapping[str, Mapping] | None
    body: Mapping | None
    responses: Mapping[str, Mapping]

    def reply_schema(self, status: int) -> Mapping | None:
        """Of a JSON reply; None if the reply is none, or not described."""
        content = self.responses.get(str(status), {}).get("content", {})
        return content.get("application/json", {}).get("schema")


def resolved(schema: Mapping) -> Mapping:
    """What a reference refers to; anything else as it is."""
    if "$ref" not in schema:
        return schema
    found = SCHEMA
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def operations() -> list[Operation]:
    return [
        _operation(method.upper(), path, item, item[method])
        for path, item in SCHEMA["paths"].items()
        for method in item
        if method != "parameters"
    ]


def _operation(method: str, path: str, item: Mapping, described: Mapping) -> Operation:
    parameters = [resolved(one) for one in item.get("parameters", []) + described.get("parameters", [])]
    content = described.get("requestBody", {}).get("content", {})
    form = content.get("application/x-www-form-urlencoded")
    body = content.get("application/json")
    return Operation(
        method,
        path,
        {one["name"]: one["schema"] for one in parameters if one["in"] == "path"},
        {one["name"]: one["schema"] for one in parameters if one["in"] == "query"},
        form and form["schema"]["properties"],
        body and resolved(body["schema"]),
        described["responses"],
    )


def problems(value: object, schema: Mapping, place: str = "reply") -> Iterator[str]:
    """Where a value does not fit the part of JSON Schema that docs/openapi.json uses."""
    schema = resolved(schema)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_is_a(value, name) for name in types):
        yield f"{place}: {value!r} is no {' or '.join(types)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{place}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{place}: {value!r} is out of bounds"
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{place}: {len(value)} items"
        for i, item in enumerate(value):
            yield from problems(item, schema["items"], f"{place}[{i}]")
    if isinstance(value, dict):
        yield from _problems_of_object(value, schema, place)


def _problems_of_object(value: Mapping, schema: Mapping, place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    yield from (f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value)
    if schema.get("additionalProperties") is False:
        yield from (f"{place}.{name} is not described" for name in value if name not in known)
    for name in value.keys() & known.keys():
        yield from problems(value[name], known[name], f"{place}.{name}")


def _is_a(value: object, name: str) -> bool:
    # bool is an int to Python, not to JSON.
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))
