"""The product's settings, untouched by the shell that runs the tests, with a data folder that goes away."""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="peerchat-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
_shell = dict(os.environ)
for _name in _shell:
    if _name.startswith("PEERCHAT_"):
        del os.environ[_name]
os.environ["PEERCHAT_DATA_DIR"] = _folder
try:
    from peerchat.settings import *  # noqa: F403 - settings are a namespace
finally:
    # Child processes of tests get the shell's environment, and what the test adds.
    os.environ.clear()
    os.environ.update(_shell)
