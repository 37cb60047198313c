"""The environment that tests see, whatever the shell has set. Loaded by pytest before Django's settings are.

Without it a developer's settings would change results, and a test run would write into the folder where the same
developer's community lives.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_FOR_TESTS = ("PEERCHAT_CHROMIUM",)

for _name in [name for name in os.environ if name.startswith("PEERCHAT_") and name not in _FOR_TESTS]:
    del os.environ[_name]

_data_dir = tempfile.mkdtemp(prefix="peerchat-test-data-")
os.environ["PEERCHAT_DATA_DIR"] = _data_dir
atexit.register(shutil.rmtree, _data_dir, ignore_errors=True)
