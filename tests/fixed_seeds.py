"""Chooses the fixed seeds of Bitcoin's networks, and writes src/headway/networks/bitcoin/seed_lists.py anew:

    .venv/bin/python -m tests.fixed_seeds

From Bitcoin Core's lists in the test data (`tests/data.py`): as many of each network as `MOST` says, at most one of a
group of addresses (/16 of IPv4, /32 of IPv6) and two of an autonomous system, so that no one provider can be all that a
new node sees. The choice is that of a hash, so the same lists give the same seeds. I2P is left out: no way leads there.
"""

from __future__ import annotations

import hashlib
import ipaddress
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headway.networks import bitcoin
from headway.types import Address, Net, network_of
from tests.data import REPOSITORY, read

FILE: Final = REPOSITORY / "src/headway/networks/bitcoin/seed_lists.py"
SOURCES: Final = {
    "bitcoin": ("seeds-nodes_main.txt", bitcoin.MAINNET.port),
    "testnet3": ("seeds-nodes_test.txt", bitcoin.TESTNET3.port),
    "testnet4": ("seeds-nodes_testnet4.txt", bitcoin.TESTNET4.port),
    "signet": ("seeds-nodes_signet.txt", bitcoin.SIGNET.port),
}
MOST: Final = {Net.IPV4: 128, Net.IPV6: 128, Net.ONION: 64, Net.CJDNS: 8}
MOST_OF_TEST: Final = {Net.IPV4: 40, Net.IPV6: 32, Net.ONION: 16, Net.CJDNS: 1}
OF_ONE_SYSTEM: Final = 2

HEAD: Final = '''"""Fixed seeds: peers to begin with where no DNS seed answers.

Facts of Bitcoin Core's contrib/seeds (nodes_*.txt), chosen and written by `python -m tests.fixed_seeds`, which says
how; do not edit. Text, so that it costs nothing before `seeds` reads it: hosts between blanks, with the network's own
port unless they name another.
"""

from __future__ import annotations

from typing import Final

'''


def chosen(source: str, port: int, most: dict[Net, int]) -> list[Address]:
    """By network, and then in the order of their hashes."""
    groups: set[str] = set()
    systems: Counter[str] = Counter()
    found: dict[Net, list[Address]] = {net: [] for net in most}
    for line in sorted(_lines(source), key=lambda line: hashlib.sha256(line.encode()).digest()):
        text, _, system = (part.strip() for part in line.partition("#"))
        address = Address.parse(text, port)
        group, of_net = _group(address), found.get(network_of(address))
        if of_net is None or len(of_net) == most[network_of(address)]:
            continue
        if group in groups or (system and systems[system] == OF_ONE_SYSTEM):
            continue
        groups.add(group)
        systems[system] += 1
        of_net.append(address)
    return [address for addresses in found.values() for address in addresses]


def _lines(source: str) -> Iterator[str]:
    for line in read("bitcoin", "p2p", source).decode().splitlines():
        if line and not line.startswith("#") and ".i2p" not in line:
            yield line


def _group(address: Address) -> str:
    net = network_of(address)
    if net not in {Net.IPV4, Net.IPV6}:
        return address.host
    return str(ipaddress.ip_network((address.host, 16 if net is Net.IPV4 else 32), strict=False))


def text() -> str:
    """The module as it should be."""
    parts = [HEAD + "SEEDS: Final = {\n"]
    for name, (source, port) in SOURCES.items():
        hosts = [
            each.host if each.port == port else str(each)
            for each in chosen(source, port, MOST if name == "bitcoin" else MOST_OF_TEST)
        ]
        lines = textwrap.wrap(" ".join(hosts), 112, break_long_words=False, break_on_hyphens=False)
        parts += [f'    "{name}": """\n', *(f"        {line}\n" for line in lines), '    """,\n']
    return "".join([*parts, "}\n"])


if __name__ == "__main__":
    Path(FILE).write_text(text(), "utf-8")
