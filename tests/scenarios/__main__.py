"""``make crowd``: 25 devices ask to come in within 10 s while 5 people talk; prints how long that took."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.headless import play
from tests.support.server import start_server


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(2**32)
    print(f"seed {seed}")
    with TemporaryDirectory() as folder, start_server(Path(folder)) as server:
        events = play(server, Path(folder), name="crowd", seed=seed, newcomers=25, spreadMs=10_000, talkers=5)
    print(json.dumps(events[-1], indent=2))


main()
