"""Whom we leave alone: bans of the operator, and the discouraged, who misbehaved. Both end.

A ban is of an IP network or of one host, and also keeps the host from dialling us. A discouragement is of a host,
whatever port it comes with: otherwise a liar would have 65,535 lives. Only where hosts are not the internet's (this
machine, a private network) is it of one port. Times are unix seconds. Called by `addrbook`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from headway.types import Ban, Net, printable
from headway.wire.host import V4_MAPPED, locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headway.types import Address

BAN_FOR: Final = 86_400
"""Seconds, when the operator says nothing else [DEFAULT_MISBEHAVING_BANTIME]."""
MAX_DISCOURAGED: Final = 50_000
"""Hosts; the one that has been discouraged longest makes room [the size of Core's m_discouraged]."""
MAX_BANS: Final = 100_000
"""Of the operator, who may have a list from elsewhere."""
MAX_REASON: Final = 256
"""Characters."""
_IP_SIZE: Final = 16
_IP_BITS: Final = 128


def subnet_of(text: str) -> str:
    """How a ban names what `text` means: `1.2.3.0/24`, `1.2.3.4/32`, an overlay's name. Raises ValueError."""
    place = locate(text)
    if place.net in (Net.ONION, Net.I2P):
        return text
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"not an address that can be banned: {text[:80]!r} (write 1.2.3.4, or 1.2.3.0/24)") from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return f"{mapped}/{network.prefixlen - 96}"
    return str(network)


class Bans:
    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}  # of the operator, by subnet
        self._networks: dict[tuple[int, int], str] = {}  # (bits of the prefix, the prefix) -> the subnet
        self._lengths: dict[int, int] = {}  # bits of a prefix -> bans that have so many: 129 at the most
        self._discouraged: dict[str, Ban] = {}  # by `known_as`, the oldest first
        self._changed: dict[tuple[str, bool], Ban] = {}  # since the last `take_changes`
        self._kept: set[tuple[str, bool]] = set()  # those in the database: the end of others need not be told

    # Of the operator.

    def ban(self, text: str, *, created: int, until: int = 0, reason: str = "") -> Ban:
        """Neither dial nor admit anybody of a network or a host, until then (0: `BAN_FOR` from `created`).

        Raises ValueError for what cannot be banned, or too many bans.
        """
        until = until or created + BAN_FOR
        ban = Ban(subnet_of(text), until, created, by_operator=True, reason=printable(reason, MAX_REASON))
        if ban.subnet not in self._bans:
            if len(self._bans) >= MAX_BANS:
                raise ValueError(f"there are {MAX_BANS} bans already")
            if (prefix := _prefix(ban.subnet)) is not None:
                self._networks[prefix] = ban.subnet
                self._lengths[prefix[0]] = self._lengths.get(prefix[0], 0) + 1
        self._bans[ban.subnet] = ban
        self._note(ban)
        return ban

    def unban(self, text: str) -> bool:
        """Take a ban back: one of exactly this network or host. False when there was none. Raises ValueError."""
        return self._lift(subnet_of(text))

    def is_banned(self, host: str, wall_time: float) -> bool:
        """By the operator, at this time."""
        return self.banned_until(host, wall_time) > 0

    def banned_until(self, host: str, wall_time: float) -> int:
        """Unix seconds; 0 when the operator does not ban it at this time."""
        if not self._bans:
            return 0
        holding = [subnet for subnet in self._covering(host) if self._holds(subnet, wall_time)]
        return max((self._bans[subnet].until for subnet in holding), default=0)

    def listed(self, wall_time: float) -> list[Ban]:
        """The operator's bans that have not ended."""
        for ban in [each for each in self._bans.values() if each.until <= wall_time]:
            self._lift(ban.subnet)
        return list(self._bans.values())

    # The discouraged.

    def discourage(self, address: Address, why: str, *, until: int, created: int, alone: bool = False) -> None:
        """`alone`: this port of the host, and no other."""
        name = str(address) if alone else known_as(address)
        if (old := self._discouraged.pop(name, None)) is None and len(self._discouraged) >= MAX_DISCOURAGED:
            self._forgive(next(iter(self._discouraged)))
        until = max(until, old.until) if old else until
        self._discouraged[name] = Ban(name, until, created, by_operator=False, reason=printable(why, MAX_REASON))
        self._note(self._discouraged[name])

    def discouraged_until(self, address: Address, wall_time: float) -> int:
        """Unix seconds; 0 when it is not discouraged at this time."""
        if not self._discouraged:
            return 0
        latest = 0
        for name in {known_as(address), str(address)}:
            if (ban := self._discouraged.get(name)) is not None:
                if ban.until <= wall_time:
                    self._forgive(name)
                latest = max(latest, ban.until)
        return latest if latest > wall_time else 0

    def count_discouraged(self, wall_time: float) -> int:
        """Hosts that are discouraged at this time."""
        return sum(ban.until > wall_time for ban in self._discouraged.values())

    # What is kept.

    def all(self) -> tuple[Ban, ...]:
        """Of both kinds, ended ones among them."""
        return (*self._bans.values(), *self._discouraged.values())

    def restore(self, bans: Iterable[Ban]) -> None:
        """Take over what was kept. What makes no sense is left out."""
        for ban in bans:
            if not ban.by_operator:
                if len(self._discouraged) < MAX_DISCOURAGED:
                    self._discouraged[ban.subnet] = ban
                    self._note(ban)
                continue
            try:
                self.ban(ban.subnet, until=ban.until, created=ban.created, reason=ban.reason)
            except ValueError:
                continue
        self.take_changes()

    def take_changes(self) -> tuple[tuple[Ban, ...], tuple[Ban, ...]]:
        """What began or changed, and what ended, since the last time."""
        changed, self._changed = self._changed, {}
        begun = tuple(ban for ban in changed.values() if self._is_listed(ban))
        ended = tuple(ban for ban in changed.values() if not self._is_listed(ban))
        self._kept.update((ban.subnet, ban.by_operator) for ban in begun)
        self._kept.difference_update((ban.subnet, ban.by_operator) for ban in ended)
        return begun, ended

    def _is_listed(self, ban: Ban) -> bool:
        return ban.subnet in (self._bans if ban.by_operator else self._discouraged)

    def _covering(self, host: str) -> Iterator[str]:
        """Subnets of bans in which a host lies."""
        data = locate(host).data
        if len(data) != _IP_SIZE:
            if host in self._bans:
                yield host
            return
        number = int.from_bytes(data, "big")
        for bits in tuple(self._lengths):
            if (subnet := self._networks.get((bits, number >> _IP_BITS - bits))) is not None:
                yield subnet

    def _holds(self, subnet: str, wall_time: float) -> bool:
        if self._bans[subnet].until > wall_time:
            return True
        self._lift(subnet)
        return False

    def _lift(self, subnet: str) -> bool:
        ban = self._bans.pop(subnet, None)
        if ban is None:
            return False
        if (prefix := _prefix(subnet)) is not None:
            del self._networks[prefix]
            self._lengths[prefix[0]] -= 1
            if not self._lengths[prefix[0]]:
                del self._lengths[prefix[0]]
        self._note(ban)
        return True

    def _forgive(self, name: str) -> None:
        self._note(self._discouraged.pop(name))

    def _note(self, ban: Ban) -> None:
        """A ban has begun, changed or ended."""
        key = (ban.subnet, ban.by_operator)
        if self._is_listed(ban) or key in self._kept:
            self._changed[key] = ban
        else:
            self._changed.pop(key, None)


def known_as(address: Address) -> str:
    """What is discouraged with an address: its host, where that is one of the internet's."""
    return str(address) if locate(address.host).net is Net.UNROUTABLE else address.host


def _prefix(subnet: str) -> tuple[int, int] | None:
    """(bits, number) of an IP network's prefix among all addresses in 16 bytes; None for an overlay's name."""
    host, _, length = subnet.partition("/")
    data = locate(host).data
    if not length or len(data) != _IP_SIZE:
        return None
    bits = int(length) + (96 if data.startswith(V4_MAPPED) else 0)
    return bits, int.from_bytes(data, "big") >> _IP_BITS - bits
