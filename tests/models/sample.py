"""A value that fits a JSON Schema, made without thought: what a test's endpoint answers when nobody told it what to."""

from __future__ import annotations

from typing import Any


def sample(schema: dict[str, Any]) -> Any:
    """The plainest value that fits, always the same; recursion ends because arrays stay as short as they may."""
    return _fit(schema, schema.get("$defs", {}))


def _fit(node: dict[str, Any], definitions: dict[str, Any]) -> Any:
    if "$ref" in node:
        return _fit(definitions[node["$ref"].rpartition("/")[2]], definitions)
    for key in ("anyOf", "oneOf"):
        if key in node:
            return _fit(node[key][0], definitions)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return node["enum"][0]
    match node.get("type"):
        case "object":
            wanted = node.get("required", ())
            return {
                name: _fit(part, definitions) for name, part in node.get("properties", {}).items() if name in wanted
            }
        case "array":
            return [_fit(node.get("items", {}), definitions) for _ in range(node.get("minItems", 0))]
        case "integer":
            return int(node.get("minimum", 0))
        case "number":
            return float(node.get("minimum", 0))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "sample" * max(1, -(-int(node.get("minLength", 0)) // 6))
