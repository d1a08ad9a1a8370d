"""What differs between Bitcoin's networks: facts of Core's kernel/chainparams.cpp.

Put together into `Network` values by the package. Heights are those from which a rule holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from headway.kernel import HeaderParams
from headway.networks.bitcoin import checkpoints
from headway.networks.bitcoin.genesis import genesis_block
from headway.types import Hash, Height, PresyncParams


@dataclass(frozen=True, slots=True)
class BitcoinParams:
    """One network's facts."""

    name: str
    magic: bytes
    """First bytes of each frame [pchMessageStart]."""
    port: int
    """[nDefaultPort]"""
    header: HeaderParams
    csv_height: int
    """BIP113: lock times compare with the median time [CSVHeight]."""
    segwit_height: int
    """BIP141: the coinbase commits to the witness [SegwitHeight]."""
    genesis_block: bytes
    presync: PresyncParams
    """[HeadersSyncParams]"""
    minimum_chainwork: int = 0
    """Work of a chain that a fresh node believes at least [nMinimumChainWork]."""
    dns_seeds: tuple[str, ...] = ()
    """[vSeeds]"""
    checkpoints: tuple[tuple[Height, Hash], ...] = ()
    """See `Network`."""
    max_low_work_headers: int = 2_000_000
    """Headers kept on chains below the minimum work: above the network's real height."""
    signed_blocks: bool = False
    """Blocks carry a solution to the network's challenge (BIP325), which we do not check."""


_LIMIT: Final = (1 << 224) - 1
"""Largest target where difficulty starts at 1 [powLimit]."""
_DIFFICULTY_1: Final = 0x1D00FFFF

MAINNET: Final = BitcoinParams(
    name="bitcoin",
    magic=bytes.fromhex("f9beb4d9"),
    port=8333,
    header=HeaderParams(
        pow_limit=_LIMIT,
        retarget=True,
        min_difficulty=False,
        bip94=False,
        bip34_height=227_931,
        bip66_height=363_725,
        bip65_height=388_381,
    ),
    csv_height=419_328,
    segwit_height=481_824,
    genesis_block=genesis_block(time=1231006505, nonce=2083236893, bits=_DIFFICULTY_1),
    presync=PresyncParams(commitment_period=641, redownload_buffer=15_218),
    minimum_chainwork=0x1128750F82F4C366153A3A030,
    checkpoints=checkpoints.mainnet(),
    dns_seeds=(
        "dnsseed.bluematt.me",
        "seed.bitcoin.jonasschnelli.ch",
        "seed.btc.petertodd.net",
        "seed.bitcoin.sprovoost.nl",
        "dnsseed.emzy.de",
        "seed.bitcoin.wiz.biz",
        "seed.mainnet.achownodes.xyz",
    ),
)

TESTNET3: Final = BitcoinParams(
    name="testnet3",
    magic=bytes.fromhex("0b110907"),
    port=18333,
    header=HeaderParams(
        pow_limit=_LIMIT,
        retarget=True,
        min_difficulty=True,
        bip94=False,
        bip34_height=21_111,
        bip66_height=330_776,
        bip65_height=581_885,
    ),
    csv_height=770_112,
    segwit_height=834_624,
    genesis_block=genesis_block(time=1296688602, nonce=414098458, bits=_DIFFICULTY_1),
    presync=PresyncParams(commitment_period=673, redownload_buffer=14_460),
    minimum_chainwork=0x17DDE1C649F3708D14B6,
    dns_seeds=(
        "testnet-seed.bitcoin.jonasschnelli.ch",
        "seed.tbtc.petertodd.net",
        "testnet-seed.bluematt.me",
        "seed.testnet.achownodes.xyz",
    ),
    max_low_work_headers=10_000_000,
)

TESTNET4: Final = BitcoinParams(
    name="testnet4",
    magic=bytes.fromhex("1c163f28"),
    port=48333,
    header=HeaderParams(
        pow_limit=_LIMIT,
        retarget=True,
        min_difficulty=True,
        bip94=True,
        bip34_height=1,
        bip66_height=1,
        bip65_height=1,
    ),
    csv_height=1,
    segwit_height=1,
    genesis_block=genesis_block(
        time=1714777860,
        nonce=393743547,
        bits=_DIFFICULTY_1,
        message=b"03/May/2024 000000000000000000001ebd58c244970b3aa9d783bb001011fbe8ea8e98e00e",
        key=bytes(33),
    ),
    presync=PresyncParams(commitment_period=606, redownload_buffer=16_092),
    minimum_chainwork=0x9A0FE15D0177D086304,
    dns_seeds=("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
)

SIGNET: Final = BitcoinParams(
    name="signet",
    magic=bytes.fromhex("0a03cf40"),
    port=38333,
    header=HeaderParams(
        pow_limit=0x377AE << 8 * (0x1E - 3),
        retarget=True,
        min_difficulty=False,
        bip94=False,
        bip34_height=1,
        bip66_height=1,
        bip65_height=1,
    ),
    csv_height=1,
    segwit_height=1,
    genesis_block=genesis_block(time=1598918400, nonce=52613770, bits=0x1E0377AE),
    presync=PresyncParams(commitment_period=620, redownload_buffer=15_724),
    minimum_chainwork=0xB463EA0A4B8,
    dns_seeds=("seed.signet.bitcoin.sprovoost.nl", "seed.signet.achownodes.xyz"),
    signed_blocks=True,
)

REGTEST: Final = BitcoinParams(
    name="regtest",
    magic=bytes.fromhex("fabfb5da"),
    port=18444,
    header=HeaderParams(
        pow_limit=(1 << 255) - 1,
        retarget=False,
        min_difficulty=True,
        bip94=False,
        bip34_height=1,
        bip66_height=1,
        bip65_height=1,
    ),
    csv_height=1,
    segwit_height=0,
    genesis_block=genesis_block(time=1296688602, nonce=2, bits=0x207FFFFF),
    presync=PresyncParams(commitment_period=275, redownload_buffer=7_017),
)
