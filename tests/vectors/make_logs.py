"""Write logs.json: chains of the community's and the accounts' logs, for both languages' tests.

Run it with ``python -m tests.vectors.make_logs``; README.md says what stands where.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.vectors.account_cases import account_cases
from tests.vectors.chains import ROOT, Map, shown
from tests.vectors.community_cases import account_logs, community_cases


def vectors() -> Map:
    """Return what the file holds."""
    logs = {
        name: {"account_id": log.log_id.hex(), "entries": shown(log)} for name, log in account_logs().items()
    }
    return {"root": ROOT.hex(), "account_logs": logs, "cases": account_cases() + community_cases()}


def main() -> None:
    path = Path(__file__).with_name("logs.json")
    path.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
