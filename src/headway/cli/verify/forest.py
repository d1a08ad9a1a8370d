"""The headers of a block file: its blocks may come in any order, of several branches, with or without their parents.

So the headers are taken first, as many as there are; then each tree among them is judged from its root, branch by
branch, and every header gets its height, its work, and its fault if it has one.
About 350 bytes a header, and its proof where it has one. Called by `blocks` only.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from headway.cli.verify.headers import above, first_height
from headway.cli.verify.report import Fault
from headway.errors import ConfigError
from headway.types import UNKNOWN_HEIGHT, BlockId

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headway.cli.verify.headers import HeaderJudge
    from headway.network import Network
    from headway.types import Hash, Header, Height

_NONE: Final = -1
"""In the columns that hold numbers of headers."""
_BATCH: Final = 2_000
"""Headers judged at a time, as in a message."""
_FAR_UP: Final = 1 << 40
"""Stands for an unknown height where rules walk down a branch: so far above its root that it has no lowest block."""


class Forest:
    """Headers are numbered as they are added; `judge` them once all are there, and ask then."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._size = network.rules.header_size
        self.root_height = network.rules.root.height
        self._raw = bytearray()
        self._ends = array("Q")  # of each in `_raw`, where headers vary in size
        self._numbers: dict[Hash, int] = {}
        self._parents = array("q")
        self._first_children = array("q")
        self._next_siblings = array("q")
        self._heights = array("q")
        self._works: list[int] = []  # from the root up
        self._faults: dict[int, Fault] = {}

    def __len__(self) -> int:
        return len(self._works)

    def add(self, raw: bytes) -> int:
        """Add a header, unless it is there already; returns its number."""
        number = self._numbers.setdefault(self._network.rules.parse_header(raw).hash, len(self))
        if number == len(self):
            self._raw += raw
            if not self._size:
                self._ends.append(len(self._raw))
            self._works.append(0)
            for column in (self._parents, self._first_children, self._next_siblings, self._heights):
                column.append(_NONE)
        return number

    def __contains__(self, block_hash: Hash) -> bool:
        return block_hash in self._numbers

    def raw(self, number: int) -> bytes:
        if self._size:
            return bytes(self._raw[number * self._size : (number + 1) * self._size])
        return bytes(self._raw[self._ends[number - 1] if number else 0 : self._ends[number]])

    def header(self, number: int) -> Header:
        return self._network.rules.parse_header(self.raw(number))

    def parent(self, number: int) -> int | None:
        """None for a root: its parent is not in the file."""
        parent = self._parents[number]
        return None if parent == _NONE else parent

    def id(self, number: int) -> BlockId:
        return BlockId(self._heights[number], self.header(number).hash)

    def work(self, number: int) -> int:
        """Work of the chain that ends there, as far down as the file goes."""
        return self._works[number]

    def fault(self, number: int) -> Fault | None:
        """What is wrong with a header or, when nothing is, with one below it."""
        return self._faults.get(number)

    def block_context(self, number: int) -> Any:
        """What the rules want to know of the chain below a header, None where it does not reach back far enough."""
        height = self._heights[number]
        branch = _BranchBelow(self, self._network, number, _FAR_UP if height == UNKNOWN_HEIGHT else height)
        try:
            return self._network.rules.block_context(branch) if height else None
        except LookupError:
            return None

    def judge(self, judge: HeaderJudge, stated: Mapping[int, Height], first: Height | None) -> None:
        """Judge every header. Raises ConfigError when `first` cannot be.

        `stated`: heights that roots state themselves, by number; `first`: that of header 0, as the user says.
        """
        self._link()
        told = dict(stated)
        if first is not None and len(self):
            root, depth = self._root_of(0)
            if first < depth:
                raise ConfigError(f"--from-height {first}: the file holds {depth} headers below its first block")
            first_height(self.header(root), self._network, first - depth)
            told[root] = first - depth
        for root in [number for number, parent in enumerate(self._parents) if parent == _NONE]:
            known = first_height(self.header(root), self._network, None)
            self._judge_tree(judge, root, told.get(root, UNKNOWN_HEIGHT) if known == UNKNOWN_HEIGHT else known)

    def _judge_tree(self, judge: HeaderJudge, root: int, height: Height) -> None:
        pending = [(root, height, self._network.rules.context_at(height))]
        while pending:
            number, height, context = pending.pop()
            run = list(self._run_from(number))
            context = self._judge_run(judge, run, height, context)
            pending += [(child, above(height, len(run)), context) for child in self._children(run[-1])]

    def _judge_run(self, judge: HeaderJudge, run: list[int], height: Height, context: Any) -> Any:
        """Judge headers each of which is the only child of the one before; returns the context behind the last."""
        parent = self.parent(run[0])
        work, fault = (0, None) if parent is None else (self._works[parent], self._faults.get(parent))
        for start in range(0, len(run), _BATCH):
            batch = run[start : start + _BATCH]
            accepted = 0
            if fault is None:
                verdict = judge.verdict(judge.run_of([*map(self.raw, batch)]), above(height, start), context)
                judge.report.count_headers(verdict)
                context, accepted = verdict.context, verdict.accepted
                fault = Fault.of_header(verdict.error) if verdict.error else None
                for number, own in zip(batch, verdict.works, strict=False):
                    work += own
                    self._works[number] = work
            if fault is not None:
                self._faults.update(dict.fromkeys(batch[accepted:], fault))
            for offset, number in enumerate(batch, start):
                self._heights[number] = above(height, offset)
        return context

    def _link(self) -> None:
        for number in range(len(self)):
            parent = self._numbers.get(self.header(number).prev_hash, _NONE)
            self._parents[number] = parent
            if parent != _NONE:
                self._next_siblings[number] = self._first_children[parent]
                self._first_children[parent] = number

    def _children(self, number: int) -> Iterator[int]:
        child = self._first_children[number]
        while child != _NONE:
            yield child
            child = self._next_siblings[child]

    def _run_from(self, number: int) -> Iterator[int]:
        """A header and its descendants, as long as there is one child."""
        yield number
        while len(children := list(self._children(number))) == 1:
            (number,) = children
            yield number

    def _root_of(self, number: int) -> tuple[int, int]:
        """The root below a header, and how many headers it is below."""
        depth = 0
        while (parent := self.parent(number)) is not None:
            number, depth = parent, depth + 1
        return number, depth


class _BranchBelow:
    """The chain that ends at a header's parent, as rules read it: LookupError where the file does not reach."""

    def __init__(self, forest: Forest, network: Network, number: int, height: Height) -> None:
        self._forest = forest
        self._network = network
        self._number = number  # walks down
        self._at = height
        self.height = height - 1

    @property
    def hash(self) -> Hash:
        return self._forest.header(self._number).prev_hash

    def header(self, height: Height) -> bytes:
        if height == self._forest.root_height:
            return self._network.rules.genesis
        number: int | None = self._number
        for _ in range(self._at - height):
            number = None if number is None else self._forest.parent(number)
        if number is None:
            raise LookupError(f"no header at height {height}")
        return self._forest.raw(number)
