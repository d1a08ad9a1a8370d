"""The header tree: every header that passed its chain's rules, forks included, and the best chain through it.

Best is most work, first seen among equals. Positions count up in order of arrival (genesis is 0), so a parent's
position is always lower than its child's. Not here: blocks, peers, files. Called by `sync`, `node` and `store`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headway import kernel
from headway.chain.best import BestChain
from headway.errors import FutureHeader, InvalidHeader
from headway.types import BlockId, BlockRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headway.network import Headers, HeaderVerdict, Network
    from headway.types import Hash, Height, Locator

NOT_KNOWN = -1
"""Position of a header that is not in the tree."""


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


class HeaderTree:
    """The tree of one network, with its genesis in it from the start."""

    def __init__(self, network: Network) -> None:
        self._rules = network.rules
        self._minimum_work = network.minimum_chainwork
        self._max_low_work = network.limits.max_low_work_headers
        self._index = kernel.HeaderIndex(self._rules.header_size)
        self._best = BestChain()
        self._leaves: set[int] = set()  # positions without children
        self._invalid: set[int] = set()  # positions that a bad block condemned, descendants included
        self._low_work = 0  # headers whose chain is below the minimum work
        self._context: tuple[int, Any] = (NOT_KNOWN, None)  # the rules' context after one position, the last one used
        self.restore(self._rules.genesis)

    # What is in it.

    def __len__(self) -> int:
        return len(self._index)

    def find(self, block_hash: Hash) -> int | None:
        """Position of a header, None when it is not known."""
        position = self._index.find(block_hash)
        return None if position < 0 else position

    def height(self, position: int) -> Height:
        return self._index.height(position)

    def hash(self, position: int) -> Hash:
        return self._index.hash(position)

    def chainwork(self, position: int) -> int:
        """Work of the chain up to and including this header."""
        return self._index.chainwork(position)

    def parent(self, position: int) -> int:
        """Position of the parent, -1 for genesis."""
        return self._index.parent(position)

    def header(self, position: int) -> bytes:
        """The raw header."""
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
    def tip_position(self) -> int:
        return self._best.tip

    @property
    def tip(self) -> BlockId:
        return self.id(self.tip_position)

    def at(self, height: Height) -> int:
        """Position on the best chain. Raises IndexError beyond the tip."""
        return self._best[height]

    def on_best_chain(self, position: int) -> bool:
        height = self.height(position)
        return height < len(self._best) and self._best[height] == position

    def fork(self, position: int) -> int:
        """Position of the last common ancestor with the best chain (itself when it lies there)."""
        while not self.on_best_chain(position):
            position = self._index.parent(position)
        return position

    def branch(self, position: int) -> TreeBranch:
        """The chain that ends at `position`, as rules read it."""
        return TreeBranch(self, position)

    def median_time(self, position: int) -> int:
        """Median time past of the chain that ends at `position`, unix seconds."""
        return self._rules.median_time(self.branch(position))

    def locator(self, position: int | None = None) -> Locator:
        """Twelve blocks down from `position` (None: the tip), then gaps of 2, 4, 8 ..., then genesis (Core)."""
        position = self.tip_position if position is None else position
        branch = TreeBranch(self, position)
        entries: list[BlockId] = []
        height, step = branch.height, 1
        while True:
            entries.append(self.id(branch.position(height)))
            if height == 0:
                return tuple(entries)
            height = max(height - step, 0)
            if len(entries) > 10:
                step *= 2

    # What changes it.

    def add(self, headers: Headers, wall_time: float) -> Added:
        """Judge a headers message and keep what is new.

        A message against the rules leaves no trace (`Added.error` says why).
        """
        start, last = self._known_prefix(headers)
        if start == len(headers):
            return self._all_known(headers, last)
        parent = self._index.find(headers[start].prev_hash)
        if parent < 0 and not start:
            return Added(NOT_KNOWN, connects=False)
        if misplaced := self._misplaced(start, last, parent):
            return Added(NOT_KNOWN, error=self._error(headers, start, parent, "bad-prevblk", misplaced))
        run = headers.part(start, len(headers)) if start else headers
        verdict = self._rules.check_headers(run, self._context_at(parent), wall_time)
        error = verdict.error
        if error is None and self._is_too_much_low_work(parent, verdict.accepted):
            error = self._error(
                headers, start, parent, "too-little-chainwork", f"more than {self._max_low_work} headers"
            )
        if error is not None and not isinstance(error, FutureHeader):
            return Added(NOT_KNOWN, error=error)
        if not verdict.accepted:
            return Added(parent, error=error)
        return self._accept(run, parent, verdict)

    def restore(self, raw: bytes) -> int:
        """Append a linked run from our own log without judging it again; returns the position of its first header.

        Raises ValueError when its parent is not in the tree.
        """
        hashes, works = self._rules.restore(raw)
        parent = NOT_KNOWN
        if len(self):
            prev_hash = self._rules.parse_header(raw[: self._rules.header_size or None]).prev_hash
            parent = self._index.find(prev_hash)
            if parent < 0:
                raise ValueError("a header run without its parent")
        first = self._index.extend(raw, hashes, parent, works)
        self._after_extend(parent, first)
        return first

    def invalidate(self, position: int) -> int:
        """Condemn a block and its descendants, and turn to the best other chain.

        Returns how many left the best chain.
        """
        if position == 0:
            raise ValueError("genesis cannot be invalid")
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

    def _all_known(self, headers: Headers, last: int) -> Added:
        if self.is_valid(last):
            return Added(last)
        parent, detail = self.parent(last), "this block or one before it was found invalid"
        return Added(NOT_KNOWN, error=self._error(headers, len(headers) - 1, parent, "duplicate-invalid", detail))

    def _misplaced(self, start: int, last: int, parent: int) -> str:
        """Why the first new header may not stand on `parent`; empty if it may. `last`: end of the known prefix."""
        if start and parent != last:
            return "not linked to the one before"
        return "" if self.is_valid(parent) else "follows an invalid block"

    def _context_at(self, position: int) -> Any:
        known, context = self._context
        return context if known == position else self._rules.context(TreeBranch(self, position))

    def _is_too_much_low_work(self, parent: int, count: int) -> bool:
        return self.chainwork(parent) < self._minimum_work and self._low_work + count > self._max_low_work

    def _error(self, headers: Headers, number: int, parent: int, rule: str, detail: str) -> InvalidHeader:
        height = self.height(parent) + 1 if parent >= 0 else -1
        return InvalidHeader(rule, BlockId(height, headers[number].hash), detail)

    def _accept(self, run: Headers, parent: int, verdict: HeaderVerdict) -> Added:
        count = verdict.accepted
        raw = (run if count == len(run) else run.part(0, count)).compact()
        first = self._index.extend(raw, verdict.hashes, parent, verdict.works)
        last = len(self) - 1
        self._context = (last, verdict.context)
        disconnected = self._after_extend(parent, first)
        unchecked = tuple(sorted(verdict.unchecked.items()))
        return Added(last, raw, count, error=verdict.error, disconnected=disconnected, unchecked=unchecked)

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
        keep = self.height(position) + 1 if position >= 0 else 0
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
