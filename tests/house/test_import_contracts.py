"""Each contract of who may import whom is seen to fail, so that a mistake in its wording shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Module by module, what stands in it. Allowed, and all that the contracts are there to refuse.
ALLOWED = {
    "peerchat/asgi.py": "import channels.routing\nfrom moderation import powers\n",
    "peerchat/sodium.py": "import nacl.signing\nfrom peerchat.protocol import codec\n",
    "peerchat/sanitize.py": "import bleach\nimport nh3\n",
    "peerchat/protocol/codec.py": "import msgpack\nfrom peerchat import errors\n",
    "peerchat/client/crypto.py": "import nacl.signing\nfrom peerchat.protocol import codec\n",
    "peerchat/client/calls.py": "import httpx\nfrom peerchat import errors\nfrom peerchat.client import crypto\n",
    "rooms/hub.py": "import channels.layers\n",
    "rooms/models.py": "from django.db import models\nfrom peerchat.accounts import invites\n",
    "moderation/powers.py": "from rooms import models\n",
    "moderation/escalation/machine.py": "import enum\n",
    "peerchat/accounts/invites.py": "from peerchat import sodium\n",
    "peerchat/errors.py": "",
}
REFUSED = {
    "Layers": {"rooms/writer.py": "from moderation import powers\n"},
    "Pure cores know no framework": {"moderation/escalation/machine.py": "from django.db import models\n"},
    "Only the composition and the socket know Channels and Daphne": {
        "rooms/writer.py": "import channels.layers\n"
    },
    "Only two modules hold cryptography": {"rooms/writer.py": "from nacl import secret\n"},
    "Only sanitize knows bleach and nh3": {"peerchat/resources/pages.py": "import bleach\n"},
    "The client knows nothing of the server's insides": {
        "peerchat/client/calls.py": "from peerchat import sodium\n"
    },
}


def broken_contracts(folder: Path, modules: dict[str, str]) -> set[str]:
    for path, source in modules.items():
        module = folder / path
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(source)
        for package in module.relative_to(folder).parents[:-1]:
            (folder / package / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", folder)
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    kept, broken = (
        set(re.findall(rf"^(.+) {word}", done.stdout, flags=re.MULTILINE)) for word in ("KEPT", "BROKEN")
    )
    assert kept | broken == set(REFUSED), done.stdout + done.stderr
    return broken


def test_what_is_meant_to_be_allowed_is(tmp_path: Path) -> None:
    assert broken_contracts(tmp_path, ALLOWED) == set()


@pytest.mark.parametrize("contract", REFUSED)
def test_a_planted_violation_breaks_the_contract(tmp_path: Path, contract: str) -> None:
    assert contract in broken_contracts(tmp_path, ALLOWED | REFUSED[contract])
