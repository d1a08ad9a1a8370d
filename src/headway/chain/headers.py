"""The header tree: every header that passed its chain's rules, forks included, and the best chain through it.

Best is most work, first seen among equals. Positions count up in order of arrival (genesis is 0), so a parent's
position is always lower than its child's. Not here: blocks, peers, files. Called by `sync`, `node` and `store`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from headway import kernel
from headway.chain import records
from headway.chain.best import BestChain
from headway.errors import CondemnedHeader, FutureHeader, InvalidHeader
from headway.network import Headers
from headway.types import BlockId, BlockRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.network import HeaderVerdict, Network
    from headway.types import Hash, Height, Locator

NOT_KNOWN: Final = -1
"""Position of a header that is not in the tree."""
HASH_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a headers message."""

    last: int
    """Position of the last header of the message that is in the tree now; -1 when none is (unconnected, or refused)."""
    raw: bytes = b""
    """The new headers back to back, in the order in which they joined the tree: to be stored."""
    count: int = 0
    """How many new ones."""
    connects: bool = True
    """False: the first header's parent is unknown; nothing was judged."""
    error: InvalidHeader | None = None
    """A broken rule: nothing of the message was kept. For a `FutureHeader` what came before it was kept."""
    disconnected: int = 0
    """Headers that left the best chain: the depth of a reorganisation, 0 without one."""
    unchecked: tuple[tuple[str, int], ...] = ()
    conflict: BlockId | None = None
    """On a final chain: a header that passed every rule beside one of ours. Nothing was kept: whoever signed both broke
    the chain's promise, and only an operator can tell what to do."""


@dataclass(frozen=True, slots=True)
class Judged:
    """New headers that passed their rules. Once `verdict.proofs` hold, `HeaderTree.accept` takes them into the tree."""

    run: Headers
    parent: int
    """Position of the first one's parent when they were judged."""
    verdict: HeaderVerdict


class HeaderTree:
    """The tree of one network, with its root (genesis, or a block that the user trusts) in it from the start."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._rules = network.rules
        self.root = network.rules.root
        """At position 0."""
        self._minimum_work = network.minimum_chainwork
        self._max_low_work = network.limits.max_low_work_headers
        self._index = kernel.HeaderIndex(self._rules.kept_size)
        self._best = BestChain()
        self._leaves: set[int] = set()  # positions without children
        self._invalid: set[int] = set()  # positions that a bad block condemned, descendants included
        self._low_work = 0  # headers whose chain is below the minimum work
        self._context: tuple[int, Any] = (NOT_KNOWN, None)  # the rules' context after one position, the last one used
        root = Headers.fixed(self._rules.genesis, network.codec.parser, size=self._rules.kept_size)
        _, works = self._rules.restore(root)
        self._after_extend(NOT_KNOWN, self._index.extend(self._rules.genesis, self.root.hash, NOT_KNOWN, works))

    # What is in it.

    def __len__(self) -> int:
        return len(self._index)

    def find(self, block_hash: Hash) -> int | None:
        """Position of a header, None when it is not known."""
        position = self._index.find(block_hash)
        return None if position < 0 else position

    def height(self, position: int) -> Height:
        return self._index.height(position) + self.root.height

    def hash(self, position: int) -> Hash:
        return self._index.hash(position)

    def chainwork(self, position: int) -> int:
        """Work of the chain up to and including this header."""
        return self._index.chainwork(position)

    def parent(self, position: int) -> int:
        """Position of the parent, -1 for the root."""
        return self._index.parent(position)

    def header(self, position: int) -> bytes:
        """The raw header, as far as its hash covers it (`ChainRules.kept_size`)."""
        return self._index.raw(position)

    def id(self, position: int) -> BlockId:
        return BlockId(self.height(position), self.hash(position))

    def is_valid(self, position: int) -> bool:
        """False once `invalidate` condemned it or an ancestor."""
        return position not in self._invalid

    def request(self, position: int) -> BlockRequest:
        """Header, height and work of one block: what a peer is asked with."""
        header = self._rules.parse_header(self.header(position))
        return BlockRequest(header, self.height(position), self.chainwork(position), self.hash(position))

    # The best chain.

    @property
    def first_block(self) -> Height:
        """The lowest block that we can have: a root that the user trusts is known by its header alone."""
        return self.root.height + (not self._rules.genesis_block)

    @property
    def tip_position(self) -> int:
        return self._best.tip

    @property
    def tip(self) -> BlockId:
        return self.id(self.tip_position)

    def at(self, height: Height) -> int:
        """Position on the best chain. Raises IndexError beyond the tip, and below the root."""
        return self._best[height - self.root.height]

    def on_best_chain(self, position: int) -> bool:
        above_root = self._index.height(position)
        return above_root < len(self._best) and self._best[above_root] == position

    def fork(self, position: int) -> int:
        """Position of the last common ancestor with the best chain (itself when it lies there)."""
        while not self.on_best_chain(position):
            position = self._index.parent(position)
        return position

    def branch(self, position: int) -> TreeBranch:
        """The chain that ends at `position`, as rules read it."""
        return TreeBranch(self, position)

    def block_context(self, position: int) -> Any:
        """What the rules want to know of the chain that ends at `position`, to judge the block above it."""
        return self._rules.block_context(self.branch(position))

    def header_context(self, position: int) -> Any:
        """The same for the header above it."""
        return self._rules.context(self.branch(position))

    def locator(self, position: int | None = None) -> Locator:
        """Twelve blocks down from `position` (None: the tip), then gaps of 2, 4, 8 ..., then the root (Core).

        Of more than `Limits.max_locator` the lowest before the root are left out.
        """
        position = self.tip_position if position is None else position
        branch = TreeBranch(self, position)
        entries: list[BlockId] = []
        height, step = branch.height, 1
        while True:
            entries.append(self.id(branch.position(height)))
            if height == self.root.height:
                return tuple(entries)
            is_last = len(entries) == self._network.limits.max_locator - 1
            height = self.root.height if is_last else max(height - step, self.root.height)
            if len(entries) > 10:
                step *= 2

    # What changes it.

    def add(self, headers: Headers, wall_time: float) -> Added:
        """Judge a headers message, every proof included, and keep what is new.

        A message against the rules leaves no trace (`Added.error` says why).
        """
        judged = self.judge(headers, wall_time)
        if isinstance(judged, Added):
            return judged
        for proof in judged.verdict.proofs:
            if detail := proof.check():
                return Added(NOT_KNOWN, error=self.disproved(judged, proof.number, detail))
        return self.accept(judged)

    def judge(self, headers: Headers, wall_time: float, *, thorough: bool = True) -> Judged | Added:
        """Judge a headers message as far as it goes without its proofs. `Added`: nothing is left to prove or keep."""
        start, last = self._known_prefix(headers)
        if start == len(headers):
            return self._all_known(last)
        parent = self._index.find(headers[start].prev_hash)
        if parent < 0 and not start:
            return Added(NOT_KNOWN, connects=False)
        if misplaced := self._misplaced(headers, start, last, parent):
            return Added(NOT_KNOWN, error=misplaced)
        run = headers.part(start, len(headers)) if start else headers
        verdict = self._rules.check_headers(run, self._context_at(parent), wall_time, thorough=thorough)
        error = verdict.error
        if error is None and self._is_too_much_low_work(parent, verdict.accepted):
            error = self._error(
                headers, start, parent, "too-little-chainwork", f"more than {self._max_low_work} headers"
            )
        if error is not None and not isinstance(error, FutureHeader):
            return Added(NOT_KNOWN, error=error)
        if not verdict.accepted:
            return Added(parent, error=error)
        return Judged(run, parent, verdict)

    def accept(self, judged: Judged) -> Added:
        """Take headers whose proofs hold into the tree; since they were judged, others may have come."""
        run, parent, verdict = judged.run, judged.parent, judged.verdict
        known, last = self._known_prefix(run.part(0, verdict.accepted))
        if known == verdict.accepted:
            return self._all_known(last)
        if known:
            run, parent = run.part(known, len(run)), last
            verdict = replace(
                verdict,
                accepted=verdict.accepted - known,
                hashes=verdict.hashes[known * HASH_SIZE :],
                works=verdict.works[known:],
            )
        if not self.is_valid(parent):
            return Added(NOT_KNOWN, error=self._condemned(parent, "bad-prevblk"))
        if self._rules.final and parent != self.tip_position:
            return Added(NOT_KNOWN, conflict=BlockId(self.height(parent) + 1, run[0].hash))
        return self._accept(run, parent, verdict)

    def disproved(self, judged: Judged, number: int, detail: str) -> InvalidHeader:
        """The fault of judged headers of which one's proof does not hold."""
        block = BlockId(self.height(judged.parent) + 1 + number, judged.run[number].hash)
        return InvalidHeader("bad-witness", block, detail)

    def restore(self, raw: bytes) -> int:
        """Append a linked run from our own log (`records`) without judging it again; returns its first position.

        Raises ValueError when its parent is not in the tree, or the last record is torn.
        """
        headers = records.unpack(raw, self._network)
        hashes, works = self._rules.restore(headers)
        parent = self._index.find(headers[0].prev_hash)
        if parent < 0:
            raise ValueError("a header run without its parent")
        first = self._index.extend(self._kept(headers), hashes, parent, works)
        self._after_extend(parent, first)
        return first

    def invalidate(self, position: int) -> int:
        """Condemn a block and its descendants, and turn to the best other chain.

        Returns how many left the best chain.
        """
        if position == 0:
            raise ValueError("the root cannot be invalid")
        for leaf in self._leaves:
            path, at = [], leaf
            while at > position:
                path.append(at)
                at = self._index.parent(at)
            if at == position:
                self._invalid.update(path, (position,))
        candidates = {self._valid_ancestor(leaf) for leaf in self._leaves}
        return self._set_best(max(candidates, key=lambda at: (self.chainwork(at), -at)))

    # How.

    def _known_prefix(self, headers: Headers) -> tuple[int, int]:
        """How many headers at the start are known, and the position of the last of them (-1 without any)."""
        last = NOT_KNOWN
        for number, header in enumerate(headers):
            position = self._index.find(header.hash)
            if position < 0:
                return number, last
            last = position
        return len(headers), last

    def _all_known(self, last: int) -> Added:
        if self.is_valid(last):
            return Added(last)
        return Added(NOT_KNOWN, error=self._condemned(last, "duplicate-invalid"))

    def _context_at(self, position: int) -> Any:
        known, context = self._context
        return context if known == position else self._rules.context(TreeBranch(self, position))

    def _is_too_much_low_work(self, parent: int, count: int) -> bool:
        return self.chainwork(parent) < self._minimum_work and self._low_work + count > self._max_low_work

    def _error(self, headers: Headers, number: int, parent: int, rule: str, detail: str) -> InvalidHeader:
        height = self.height(parent) + 1 if parent >= 0 else -1
        return InvalidHeader(rule, BlockId(height, headers[number].hash), detail)

    def _misplaced(self, headers: Headers, start: int, last: int, parent: int) -> InvalidHeader | None:
        """Why the first new header may not stand on `parent`. `last`: end of the known prefix."""
        if start and parent != last:
            return self._error(headers, start, parent, "bad-prevblk", "not linked to the one before")
        return None if self.is_valid(parent) else self._condemned(parent, "bad-prevblk")

    def _condemned(self, position: int, rule: str) -> CondemnedHeader:
        """The fault of headers at or after this position; it names the block that was found invalid."""
        while self.parent(position) in self._invalid:
            position = self.parent(position)
        return CondemnedHeader(rule, self.id(position), "our own rules found this block invalid")

    def _accept(self, run: Headers, parent: int, verdict: HeaderVerdict) -> Added:
        count = verdict.accepted
        run = run if count == len(run) else run.part(0, count)
        raw = records.pack(run, self._rules.header_size)
        first = self._index.extend(self._kept(run, raw), verdict.hashes, parent, verdict.works)
        last = len(self) - 1
        self._context = (last, verdict.context)
        disconnected = self._after_extend(parent, first)
        unchecked = tuple(sorted(verdict.unchecked.items()))
        return Added(last, raw, count, error=verdict.error, disconnected=disconnected, unchecked=unchecked)

    def _kept(self, run: Headers, packed: bytes = b"") -> bytes:
        """What of these headers the tree keeps. `packed`: their records, when they are made already."""
        size = self._rules.kept_size
        if self._rules.header_size:
            return packed or bytes(run.raw)
        return b"".join(bytes(run.raw[start : start + size]) for start in run.starts)

    def _after_extend(self, parent: int, first: int) -> int:
        last = len(self) - 1
        self._leaves.discard(parent)
        self._leaves.add(last)
        if parent < 0 or self.chainwork(parent) < self._minimum_work:
            self._low_work += last + 1 - first
        if len(self._best) and self.chainwork(last) <= self.chainwork(self.tip_position):
            return 0
        return self._set_best(parent, range(first, last + 1))

    def _set_best(self, position: int, run: Sequence[int] = ()) -> int:
        """Make the chain that ends at `position`, or at the end of the `run` behind it, the best one.

        Returns how many headers left it.
        """
        path = []
        while position >= 0 and not self.on_best_chain(position):
            path.append(position)
            position = self._index.parent(position)
        keep = self._index.height(position) + 1 if position >= 0 else 0
        left = len(self._best) - keep
        self._best.cut(keep)
        for each in reversed(path):
            self._best.extend(each, 1)
        if run:
            self._best.extend(run[0], len(run))
        return left

    def _valid_ancestor(self, position: int) -> int:
        while position in self._invalid:
            position = self._index.parent(position)
        return position


class TreeBranch:
    """A chain that ends at one header (a `network.Branch`): its own part as a list, the rest shared with the best
    chain.

    Valid until the tree changes.
    """

    __slots__ = ("_fork_height", "_own", "_tree", "height")

    def __init__(self, tree: HeaderTree, position: int) -> None:
        self._tree = tree
        self.height = tree.height(position)
        own = []
        while not tree.on_best_chain(position):
            own.append(position)
            position = tree.parent(position)
        own.reverse()
        self._own = own
        self._fork_height = tree.height(position)

    @property
    def hash(self) -> Hash:
        return self._tree.hash(self.position(self.height))

    def position(self, height: Height) -> int:
        """Position in the tree of this branch's header at `height`."""
        if height > self._fork_height:
            return self._own[height - self._fork_height - 1]
        return self._tree.at(height)

    def header(self, height: Height) -> bytes:
        return self._tree.header(self.position(height))
