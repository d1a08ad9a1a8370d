"""Bitcoin's rules as the engine meets them: contexts from branches, verdicts with typed errors, rules by height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from headway.errors import ConfigError, Consequence, FutureHeader, InvalidHeader
from headway.kernel import BlockRules
from headway.network import BlockStatus
from headway.networks.bitcoin import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4
from headway.networks.bitcoin.header import BlockHeader
from headway.networks.bitcoin.parser import PARSER
from headway.networks.bitcoin.rules import BitcoinRules
from headway.types import UNKNOWN_HEIGHT, BlockId, BlockRequest, Hash
from headway.wire.messages import Headers
from tests.chain_builder import (
    GENESIS,
    assemble,
    block_hash,
    block_time,
    coinbase,
    regtest_chain,
    transaction,
    tx_input,
    tx_output,
)
from tests.header_model import EasyChain

LATE = 4e9


def rules_of(network: object) -> BitcoinRules:
    rules = network.rules  # type: ignore[attr-defined]
    assert isinstance(rules, BitcoinRules)
    return rules


RULES = rules_of(REGTEST)


@dataclass
class ListBranch:
    """A branch that is a list of raw headers from genesis on (`headway.network.Branch`)."""

    headers: Sequence[bytes]

    @property
    def height(self) -> int:
        return len(self.headers) - 1

    @property
    def hash(self) -> Hash:
        return block_hash(self.headers[-1])

    def header(self, height: int) -> bytes:
        assert 0 <= height < len(self.headers)
        return self.headers[height]


@pytest.fixture(scope="module")
def blocks() -> list[bytes]:
    return [GENESIS, *regtest_chain(30)]


@pytest.fixture(scope="module")
def branch(blocks: list[bytes]) -> ListBranch:
    return ListBranch([block[:80] for block in blocks])


def message(headers: Sequence[bytes], stride: int = 81) -> Headers:
    return Headers.fixed(b"".join(raw.ljust(stride, b"\0") for raw in headers), PARSER, size=80, stride=stride)


def request(block: bytes, height: int) -> BlockRequest:
    return BlockRequest(BlockHeader.from_raw(block[:80]), height)


# Headers.


@pytest.mark.parametrize("stride", [80, 81])
def test_headers_of_a_message_are_judged_where_they_lie(branch: ListBranch, stride: int) -> None:
    verdict = RULES.check_headers(message(branch.headers, stride), RULES.context_at(0), LATE)
    assert (verdict.accepted, verdict.error, verdict.unchecked, verdict.proofs) == (31, None, {}, ())
    assert verdict.hashes == b"".join(map(block_hash, branch.headers))
    assert list(verdict.works) == [2] * 31
    assert verdict.context == RULES.context(branch)


def test_headers_without_one_stride_are_judged_as_well(branch: ListBranch) -> None:
    raw = branch.headers[1] + b"gap" + branch.headers[2]
    uneven = Headers(raw, (0, 83), (80, 163), PARSER)
    assert RULES.check_headers(uneven, RULES.context_at(1), LATE).accepted == 2


def test_part_of_a_message_goes_on_from_a_branch(branch: ListBranch) -> None:
    for height in (0, 5, 12, 29):
        context = RULES.context(ListBranch(branch.headers[: height + 1]))
        part = message(branch.headers).part(height + 1, 31)
        verdict = RULES.check_headers(part, context, LATE)
        assert (verdict.accepted, verdict.error) == (30 - height, None)


def test_no_headers_are_no_fault(branch: ListBranch) -> None:
    context = RULES.context(branch)
    verdict = RULES.check_headers(message([]), context, LATE)
    assert (verdict.accepted, verdict.error, verdict.context) == (0, None, context)


def test_context_of_a_branch_asks_for_the_period_s_first_header() -> None:
    chain = EasyChain().grow(2020)
    context = RULES.context(ListBranch(chain.headers))
    assert context.height == 2020
    assert context.first_time == block_time(chain.headers[2016])
    assert context.complete


def test_a_broken_rule_names_the_header_and_blames_the_sender(branch: ListBranch) -> None:
    stranger = branch.headers[4]
    verdict = RULES.check_headers(message([*branch.headers[:3], stranger]), RULES.context_at(0), LATE)
    error = verdict.error
    assert verdict.accepted == 3
    assert type(error) is InvalidHeader
    assert (error.rule, error.block) == ("bad-prevblk", BlockId(3, block_hash(stranger)))
    assert error.consequence is Consequence.DISCOURAGE


def test_a_header_ahead_of_our_clock_is_nobody_s_fault(branch: ListBranch) -> None:
    clock = block_time(branch.headers[10]) - 7_200.5
    error = RULES.check_headers(message(branch.headers), RULES.context_at(0), clock).error
    assert type(error) is FutureHeader
    assert (error.rule, error.block.height) == ("time-too-new", 10)
    assert error.consequence is Consequence.NOTHING


def test_genesis_of_another_network_is_refused() -> None:
    for other in (MAINNET, TESTNET3):
        verdict = RULES.check_headers(message([other.rules.genesis]), RULES.context_at(0), LATE)
        assert verdict.error is not None
        assert (verdict.accepted, verdict.error.rule, verdict.error.block.height) == (0, "bad-genesis", 0)


def test_a_file_that_starts_at_height_one_follows_genesis(branch: ListBranch) -> None:
    verdict = RULES.check_headers(message(branch.headers[1:]), RULES.context_at(1), LATE)
    assert (verdict.accepted, verdict.unchecked) == (30, {})
    error = RULES.check_headers(message(branch.headers[2:]), RULES.context_at(1), LATE).error
    assert error is not None
    assert error.rule == "bad-prevblk"


def test_a_file_that_starts_anywhere_else_counts_what_it_lacks(branch: ListBranch) -> None:
    verdict = RULES.check_headers(message(branch.headers[5:]), RULES.context_at(5), LATE)
    assert (verdict.accepted, verdict.unchecked) == (26, {"link": 1, "median-time": 11})


def test_a_file_of_unknown_height_says_so_in_its_errors(branch: ListBranch) -> None:
    context = RULES.context_at(UNKNOWN_HEIGHT)
    verdict = RULES.check_headers(message(branch.headers[5:]), context, LATE)
    assert (verdict.accepted, verdict.unchecked) == (26, {"link": 1, "median-time": 11, "version": 26})
    error = RULES.check_headers(message([branch.headers[5], branch.headers[7]]), context, LATE).error
    assert error is not None
    assert error.block == BlockId(UNKNOWN_HEIGHT, block_hash(branch.headers[7]))


def test_missing_headers_leave_what_holds_across_the_gap(branch: ListBranch) -> None:
    context = RULES.context_past_gap(RULES.context(ListBranch(branch.headers[:3])), 20)
    verdict = RULES.check_headers(message(branch.headers[20:]), context, LATE)
    assert (verdict.accepted, verdict.unchecked) == (11, {"link": 1, "median-time": 11})
    with pytest.raises(ValueError, match="not after"):
        RULES.context_past_gap(context, 5)


def test_restoring_gives_what_judging_gave(branch: ListBranch) -> None:
    verdict = RULES.check_headers(message(branch.headers), RULES.context_at(0), LATE)
    assert RULES.restore(message(branch.headers)) == (
        verdict.hashes,
        verdict.works,
    )


def test_median_time_is_that_of_the_last_eleven(branch: ListBranch) -> None:
    times = [block_time(header) for header in branch.headers]
    assert RULES.block_context(branch) == times[-6]
    assert [RULES.block_context(ListBranch(branch.headers[:n])) for n in (1, 2, 3)] == [times[0], times[1], times[1]]


# Blocks.


def test_blocks_of_a_chain_are_valid_at_their_heights(blocks: list[bytes]) -> None:
    for height, block in enumerate(blocks):
        verdict = RULES.verify_block(request(block, height), block_time(block) - 1, block)
        assert (verdict.status, verdict.rule, verdict.unchecked) == (BlockStatus.VALID, "", ())


def test_a_request_by_hash_alone_is_judged_by_what_needs_no_height(blocks: list[bytes]) -> None:
    block = blocks[7]
    verdict = RULES.verify_block(BlockRequest(None, hash=block_hash(block)), None, block)
    assert (verdict.status, verdict.unchecked) == (BlockStatus.VALID, ("coinbase-height",))


def test_verdicts_tell_mutated_from_invalid(blocks: list[bytes]) -> None:
    mutated = RULES.verify_block(request(blocks[7], 7), None, blocks[7][:-1])
    assert (mutated.status, mutated.rule) == (BlockStatus.MUTATED, "truncated")
    other = RULES.verify_block(request(blocks[7], 7), None, blocks[8])
    assert (other.status, other.rule) == (BlockStatus.MUTATED, "wrong-block")
    invalid = RULES.verify_block(request(blocks[7], 8), None, blocks[7])
    assert (invalid.status, invalid.rule) == (BlockStatus.INVALID, "bad-cb-height")
    assert invalid.detail


@pytest.mark.parametrize(
    ("rules", "height", "on"),
    [
        (MAINNET.rules, 0, (False, False, False)),
        (MAINNET.rules, 227_930, (False, False, False)),
        (MAINNET.rules, 227_931, (True, False, False)),
        (MAINNET.rules, 419_327, (True, False, False)),
        (MAINNET.rules, 419_328, (True, True, False)),
        (MAINNET.rules, 481_823, (True, True, False)),
        (MAINNET.rules, 481_824, (True, True, True)),
        (TESTNET3.rules, 21_110, (False, False, False)),
        (TESTNET3.rules, 770_112, (True, True, False)),
        (TESTNET3.rules, 834_624, (True, True, True)),
        (TESTNET4.rules, 1, (True, True, True)),
        (SIGNET.rules, 0, (False, False, False)),
        (REGTEST.rules, 0, (False, False, True)),
        (REGTEST.rules, 1, (True, True, True)),
    ],
)
def test_rules_of_blocks_come_with_their_heights(rules: BitcoinRules, height: int, on: tuple[bool, ...]) -> None:
    assert rules.block_rules(height) == BlockRules(height, *on)


def test_what_is_never_checked_is_said() -> None:
    assert {"scripts", "signatures", "coins", "fees", "subsidy"} <= set(rules_of(MAINNET).static_unchecked)
    assert set(rules_of(SIGNET).static_unchecked) - set(rules_of(MAINNET).static_unchecked) == {"signet-solution"}


# Heights that blocks state.


def test_blocks_state_their_height_from_one_on() -> None:
    for height in (1, 16, 17, 127, 128, 255, 256, 32_767, 32_768, 8_388_607):
        assert RULES.stated_height(assemble(bytes(32), 0, [coinbase(height)])) == height


def block_with(script: bytes, version: int = 2) -> bytes:
    first = transaction([tx_input(bytes(32) + b"\xff" * 4, script)], [tx_output(1, b"")])
    return assemble(bytes(32), 0, [first], version=version)


@pytest.mark.parametrize(
    "block",
    [
        GENESIS,
        block_with(b"\x03\x01\x00\x01", version=1),
        block_with(b""),
        block_with(b"\0\0"),
        block_with(b"\x02\x05\x00"),  # not in its shortest form
        block_with(b"\x03\x01\x00"),  # cut
        block_with(b"\x03\x01\x00\x80"),  # negative
        block_with(b"\x04\xff\xff\x00\x1d"),  # the bits of difficulty 1, as coinbases began before BIP34
        block_with(b"\x61\x61"),
        block_with(b"\x02\xc8\x00")[:-1],
        b"",
    ],
)
def test_blocks_that_state_no_height_are_not_guessed(block: bytes) -> None:
    assert RULES.stated_height(block) == UNKNOWN_HEIGHT


def test_shape_of_a_header_is_eighty_bytes_of_a_chain_that_reorganises() -> None:
    assert (RULES.header_size, RULES.final) == (80, False)
    assert RULES.parse_header(GENESIS[:80]).hash == block_hash(GENESIS)


def test_a_chain_that_proves_itself_takes_no_checkpoint() -> None:
    with pytest.raises(ConfigError, match="proves itself by its work"):
        RULES.trusting("1:" + "00" * 32)
