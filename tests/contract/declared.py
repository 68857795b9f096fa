"""Which parameters an OpenAPI file declares: Prism lets pass what the file does not have at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.contract.prism import Missing


def declared_parameters(spec: Path) -> dict[str, frozenset[str]]:
    """Return the names of the query's parameters of each path that can be got.

    Raises:
        Missing: The file is no OpenAPI file.
    """
    try:
        # Xero's file has more than a megabyte.
        document = yaml.load(spec.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        return {path: _names(document, item) for path, item in document["paths"].items() if "get" in item}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise Missing(f"{spec} is no OpenAPI file") from None


def _names(document: Mapping[str, Any], item: Mapping[str, Any]) -> frozenset[str]:
    given = [*item.get("parameters", ()), *item["get"].get("parameters", ())]
    return frozenset(one["name"] for one in (_resolved(document, one) for one in given) if one["in"] == "query")


def _resolved(document: Any, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in parameter:
        return parameter
    for name in str(parameter["$ref"]).removeprefix("#/").split("/"):
        document = document[name]
    found: Mapping[str, Any] = document
    return found
