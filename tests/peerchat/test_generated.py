"""What other languages read is what the code says."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from peerchat.resources.management.commands import generate

PROJECT = Path(__file__).resolve().parents[2]


def test_generated_files_are_up_to_date() -> None:
    call_command("generate", "--check", stdout=StringIO())


def test_a_file_that_drifted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "PROJECT", tmp_path)
    call_command("generate", stdout=StringIO())
    call_command("generate", "--check", stdout=StringIO())
    drifted = tmp_path / "peerchat" / "protocol" / "schema.json"
    drifted.write_text(drifted.read_text() + " ")
    with pytest.raises(CommandError, match=re.escape("peerchat/protocol/schema.json")):
        call_command("generate", "--check", stdout=StringIO())


def test_the_app_calls_what_the_server_offers_with_the_same_models() -> None:
    described = json.loads((PROJECT / "docs" / "openapi.json").read_text())
    offered = {}
    for path, calls in described["paths"].items():
        for method, call in calls.items():
            body = (
                call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            )
            answer = call["responses"]["200"]["content"]["application/json"]["schema"]
            offered[method.upper(), path.removeprefix("/api/v1/")] = (_model(body), _model(answer))
    source = (PROJECT / "frontend/src/protocol/endpoints.ts").read_text()
    called = {}
    for method, path, rest in re.findall(r':\s*(get|post)\(\s*"([^"]+)",([^)]*)\)', source):
        names = [word.strip().strip('"') for word in rest.split(",") if word.strip()]
        body = None if method == "get" or names[0] == "null" else names[0]
        called[method.upper(), path] = (body, names[-1])
    assert len(called) > 20
    assert {call: offered.get(call) for call in called} == called
    assert sorted(offered) == sorted(called)


def _model(schema: dict[str, str]) -> str | None:
    return schema["$ref"].rsplit("/", 1)[-1] if "$ref" in schema else None
