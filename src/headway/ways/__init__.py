"""The ways out: which networks we can reach, and how an address of each is dialled.

    IPv4, IPv6, CJDNS and names   directly, or all through one SOCKS5 proxy
    onion services                through a SOCKS5 proxy, of their own or the same
    I2P                           none
    loopback, private addresses   directly, always: they never leave this network (as Core does)

What a name stands for is looked up here only where names go directly; else the proxy looks it up, and our resolver is
told nothing. Not here: the proxy's protocol (`socks5`), sockets (`aio.dial`, `blocking.dial`), whom to dial (`node`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from headway.errors import ConfigError
from headway.types import Address, Net, ip_of, network_of

PROXY_PORT: Final = 9050
"""Of a proxy that is named without one: where Tor listens [Core DEFAULT_TOR_SOCKS_PORT]."""

DIRECT_PATIENCE: Final = 1.0
PROXY_PATIENCE: Final = 2.0
"""A proxy may be Tor: three relays stand between, and the circuit may have to be built first. Ten seconds to connect
become the twenty that Core gives a proxy for an answer [g_socks5_recv_timeout]."""
ONION_PATIENCE: Final = 3.0
"""Six relays, once the two circuits have met; what a circuit carries is tens of kilobytes a second, so one block may
take a minute, and a first download sees dozens of needless disconnects (raspiblitz#3329)."""

NETS: Final = (Net.IPV4, Net.IPV6, Net.ONION, Net.I2P, Net.CJDNS)
"""What `onlynet` takes."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one address is dialled."""

    proxy: Address | None = None
    """The SOCKS5 proxy to go through; None: directly."""
    patience: float = DIRECT_PATIENCE
    """What durations are multiplied by when the remote is behind this way."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What was configured. The plain value reaches IPv4 and IPv6, directly."""

    proxy: Address | None = None
    """For IPv4, IPv6, CJDNS and names [Core -proxy]."""
    onion: Address | None = None
    """For onion services [Core -onion]."""
    onlynet: frozenset[Net] = frozenset(NETS)
    """Networks that a node looks for peers in by itself [Core -onlynet]; peers that the user names are dialled all the
    same."""
    cjdns: bool = False
    """This machine has an interface of CJDNS [Core -cjdnsreachable]."""

    @classmethod
    def of(
        cls,
        *,
        proxy: str | Address | None = None,
        onion: str | Address | None = None,
        onlynet: Iterable[str] = (),
        cjdnsreachable: bool = False,
    ) -> Ways:
        """Read as people write it. `onion`: as `proxy` unless told; "0" for no way to onion services.

        Raises ConfigError for what cannot be, such as a network in `onlynet` that there is no way to.
        """
        through = _proxy(proxy, "proxy")
        only = _nets(onlynet)
        ways = cls(
            proxy=through,
            onion=through if onion is None else _proxy(onion, "onion"),
            onlynet=only or frozenset(NETS),
            cjdns=cjdnsreachable,
        )
        for net in NETS:
            if net in only and not ways._leads_to(net):
                raise ConfigError(f"onlynet {net}: {_MISSING[net]}")
        return ways

    def to(self, address: Address) -> Way | None:
        """How this address is dialled; None when there is no way, and `why_not` tells."""
        net = network_of(address)
        if net is Net.I2P:
            return None
        if net is Net.ONION:
            return Way(self.onion, ONION_PATIENCE) if self.onion else None
        if self.proxy is None or (net is Net.UNROUTABLE and _is_near(address.host)):
            return Way()
        return Way(self.proxy, PROXY_PATIENCE)

    def why_not(self, address: Address) -> str:
        """For people: what is missing when `to` gives None, or what forbids an address that is not reachable."""
        net = network_of(address)
        if self._leads_to(net):
            return f"onlynet keeps us from {address}"
        return f"there is no way to {address}: {_MISSING[net]}"

    def is_reachable(self, address: Address) -> bool:
        """Whether a node may choose this address by itself: there is a way, and `onlynet` allows it.

        A name may stand for IPv4 or for IPv6.
        """
        net = network_of(address)
        if net is not Net.UNROUTABLE:
            return self._allows(net)
        ip = ip_of(address.host)
        if ip is None:
            return self.asks_seeds
        return (Net.IPV4 if ip.version == 4 else Net.IPV6) in self.onlynet

    @property
    def nets(self) -> tuple[Net, ...]:
        """Networks whose addresses a node may choose by itself, as far as the network tells (`is_reachable`)."""
        return (*(net for net in NETS if self._allows(net)), Net.UNROUTABLE)

    @property
    def asks_seeds(self) -> bool:
        """Whether DNS seeds can be of use: they give addresses of IPv4 and IPv6 alone."""
        return self._allows(Net.IPV4) or self._allows(Net.IPV6)

    def patience(self, address: Address) -> float:
        """What durations are multiplied by for this remote."""
        way = self.to(address)
        return DIRECT_PATIENCE if way is None else way.patience

    def _allows(self, net: Net) -> bool:
        return net in self.onlynet and self._leads_to(net)

    def _leads_to(self, net: Net) -> bool:
        match net:
            case Net.ONION:
                return self.onion is not None
            case Net.I2P:
                return False
            case Net.CJDNS:
                return self.cjdns
            case _:
                return True


DIRECT: Final = Ways()

_MISSING: Final = {
    Net.ONION: "onion services are reached through Tor: name its proxy with --proxy or --onion (127.0.0.1:9050)",
    Net.I2P: "headway has no way into I2P",
    Net.CJDNS: "say --cjdnsreachable when this machine has an interface of CJDNS",
}


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The order in which the addresses of one name are tried (RFC 8305): IPv6 first, then the families in turn."""
    new = [address for address in addresses if ":" in address.host]
    old = [address for address in addresses if ":" not in address.host]
    both = min(len(new), len(old))
    return [each for pair in zip(new, old, strict=False) for each in pair] + new[both:] + old[both:]


def _is_near(host: str) -> bool:
    """An address of our own machine or network. Other names may stand for anything: the proxy is to look them up."""
    return host.lower() == "localhost" or ip_of(host) is not None


def _proxy(where: str | Address | None, option: str) -> Address | None:
    if where is None or isinstance(where, Address):
        return where
    if where in {"", "0"}:
        return None
    try:
        proxy = Address.parse(where, PROXY_PORT)
    except ValueError as error:
        raise ConfigError(f"{option}: {error}") from None
    if network_of(proxy) in {Net.ONION, Net.I2P}:
        raise ConfigError(f"{option}: {proxy} can itself be reached through a proxy alone")
    return proxy


def _nets(names: Iterable[str]) -> frozenset[Net]:
    for name in names:
        if name not in set(NETS):
            raise ConfigError(f"onlynet: no network is named {name!r}; there are {', '.join(NETS)}")
    return frozenset(map(Net, names))
