"""The environment that tests see, whatever the shell has set. Loaded by pytest before Django's settings are.

Without it a developer's settings would change results, and a test run would write into the folder where the same
developer's community lives.

``PEERCHAT_TEST_DATABASE=postgresql`` runs the tests that use Django's database, and no others, on a PostgreSQL that is
started for them.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_DATABASE = os.environ.get("PEERCHAT_TEST_DATABASE", "sqlite")
_FOR_TESTS = ("PEERCHAT_CHROMIUM", "PEERCHAT_TEST_DATABASE")

for _name in [name for name in os.environ if name.startswith("PEERCHAT_") and name not in _FOR_TESTS]:
    del os.environ[_name]

_data_dir = tempfile.mkdtemp(prefix="peerchat-test-data-")
os.environ["PEERCHAT_DATA_DIR"] = _data_dir
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)

if _DATABASE == "postgresql":
    # Only then: without it nothing that tests need is loaded yet.
    from tests.support.services import PostgreSQL

    _postgresql = PostgreSQL()
    atexit.register(_postgresql.close)
    os.environ["PEERCHAT_DATABASE_URL"] = _postgresql.url()
elif _DATABASE != "sqlite":
    raise SystemExit("PEERCHAT_TEST_DATABASE is sqlite or postgresql")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what no database can change: it ran on SQLite."""
    if _DATABASE == "sqlite":
        return
    uses = {"db", "transactional_db"}
    left_out = [item for item in items if not (uses & set(getattr(item, "fixturenames", ())))]
    left_out = [item for item in left_out if item.get_closest_marker("django_db") is None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]
