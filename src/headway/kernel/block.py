"""placeholder"""

from headway.kernel.face import BlockCheck, BlockRules
from headway.types import Raw


def scan_block(raw: Raw) -> list[tuple[int, int, bytes]]:
    raise NotImplementedError


def merkle_root(hashes: bytes) -> tuple[bytes, bool]:
    raise NotImplementedError


def check_block(raw: Raw, block_hash: bytes, rules: BlockRules, median_time: int | None) -> BlockCheck:
    raise NotImplementedError
