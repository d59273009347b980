"""The shape of a pydantic model: which keys it has, and what each of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema

from vicreg_core.recipes.problems import KeyPath


class Shape:
    """Answers questions about a model by its JSON schema.

    A model that has no JSON schema (a field of an arbitrary Python type) answers with its top-level keys
    and nothing about their values.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.keys = tuple(field.alias or name for name, field in model.model_fields.items())
        self._schema = _json_schema(model)

    def at(self, path: KeyPath) -> Mapping[str, Any] | None:
        """The JSON schema of what lies at a path, references resolved; ``None`` where there is none."""
        node = self._resolved(self._schema)
        for part in path:
            step = self._step(node, part) if node else None
            if step is None:
                return None
            node = step
        return self._deep(node)

    def keys_at(self, path: KeyPath) -> tuple[str, ...]:
        """The keys of the mapping at a path; empty where no keys are prescribed."""
        if not path:
            return self.keys
        node = self.at(path)
        options = [node, *_alternatives(node)] if node else []
        return tuple(key for option in options for key in option.get("properties", ()))

    def _step(self, node: Mapping[str, Any], part: str | int) -> Mapping[str, Any] | None:
        for option in (self._resolved(o) for o in (node, *_alternatives(node))):
            if isinstance(part, str):
                found = option.get("properties", {}).get(part) or option.get("additionalProperties")
            else:
                listed = option.get("prefixItems", ())
                found = listed[part] if part < len(listed) else option.get("items")
            if isinstance(found, Mapping):
                return self._resolved(found)
        return None

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        while reference := node.get("$ref"):
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            node = {**self._schema["$defs"][reference.rpartition("/")[2]], **siblings}
        return node

    def _deep(self, node: Mapping[str, Any], depth: int = 3) -> Mapping[str, Any]:
        """With the references of its alternatives and items resolved, which is all that words need."""
        node = dict(self._resolved(node))
        if depth == 0:
            return node
        if alternatives := _alternatives(node):
            node["anyOf"] = [self._deep(option, depth - 1) for option in alternatives]
        if isinstance(node.get("items"), Mapping):
            node["items"] = self._deep(node["items"], depth - 1)
        if "prefixItems" in node:
            node["prefixItems"] = [self._deep(item, depth - 1) for item in node["prefixItems"]]
        return node


def _alternatives(node: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    alternatives: Sequence[Mapping[str, Any]] = node.get("anyOf") or node.get("oneOf") or ()
    return alternatives


@lru_cache(maxsize=64)
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    try:
        return model.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {}
