"""Builds ``docs/openapi.json`` from the routers, in a form whose differences can be read."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from peerchat.http import api
from peerchat.protocol.http_bodies import ErrorAnswer
from peerchat.protocol.limits import BODY_MAX_BYTES

PREFIX = "/api/v1/"


def build_openapi() -> dict[str, Any]:
    """Return the description of every call. All routers are in it once the root URL module was imported."""
    import_module(settings.ROOT_URLCONF)
    schema: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix=PREFIX), default=str))
    error = {
        "description": "A refusal; the codes stand in peerchat/errors.py.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}},
    }
    for path, calls in schema["paths"].items():
        for method, call in calls.items():
            # Ninja's own names hold Python's modules; a client's generator wants what stays when code moves.
            call["operationId"] = _name(method, path)
            call["responses"]["default"] = error
    schemas = schema["components"].setdefault("schemas", {})
    model = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(model.pop("$defs", {}))
    schemas["ErrorAnswer"] = model
    schema["components"]["schemas"] = dict(sorted(schemas.items()))
    schema["paths"] = dict(sorted(schema["paths"].items()))
    schema["info"]["x-body-max-bytes"] = BODY_MAX_BYTES
    return schema


def _name(method: str, path: str) -> str:
    words = path.removeprefix(PREFIX).replace("{", "").replace("}", "").replace("-", "/").split("/")
    return method + "".join(word.capitalize() for word in words)


def targets(root: Path) -> dict[Path, str]:
    """Return the file below the project's ``root`` with its right content."""
    return {root / "docs" / "openapi.json": json.dumps(build_openapi(), indent=1) + "\n"}
