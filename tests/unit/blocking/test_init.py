"""What a program without asyncio loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from tests.farend import served
from tests.toynet import GENESIS, toy_chain

PROGRAM = """
import json, sys
import headway
from tests.toynet import TOYNET
before = "headway.blocking" in sys.modules
with headway.blocking.connect(sys.argv[1], network=TOYNET) as peer:
    peer.ping()
    headers = peer.request_headers(bytes.fromhex(sys.argv[2]))
    blocks = list(peer.request_blocks(headers))
print(json.dumps([before, len(headers), len(blocks), sorted(sys.modules)]))
"""


def test_whole_session_loads_no_asyncio_and_starts_from_a_bare_import_headway() -> None:
    with served(toy_chain(20)) as address:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, str(address), GENESIS.hash.hex()]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    was_loaded, headers, blocks, modules = json.loads(done.stdout)
    assert (was_loaded, headers, blocks) == (False, 20, 20)
    assert "headway.blocking.peer" in modules
    assert [name for name in modules if name.partition(".")[0] in {"asyncio", "concurrent", "sqlite3"}] == []
    assert [name for name in modules if name.startswith(("headway.aio", "headway.store", "headway.cli"))] == []
