"""Neo Legacy's handshake policy: whom we accept. Nothing is said between version and verack.

Facts only, no state: the order of the steps and their timeouts are the peer machine's, which calls this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headway.errors import HandshakeRejected
from headway.network import OnDuplicate
from headway.types import Services
from headway.wire.messages import Message, Version

NEO_ONE: Final = "NEO:neo-one"
"""How the user agent of neo-one begins, in every version of it (`NEO:neo-one-js:1.0.0-preview`)."""


class Neo2Handshake:
    """Strict, as the Neo document has it. The magic of each frame has told the network already."""

    on_duplicate: OnDuplicate = OnDuplicate.DISCONNECT
    ignores_early_messages: bool = False

    def speaks_first(self, *, inbound: bool) -> bool:
        """The dialler waits, as the Neo document has it."""
        return inbound

    def awaits_verack(self, theirs: Version) -> bool:
        """neo-one loses a verack that comes before it has answered our version. All others, two of us among them, would
        wait for each other."""
        return theirs.user_agent.startswith(NEO_ONE)

    def check(self, ours: Version, theirs: Version, *, required_services: int) -> None:
        """Raises HandshakeRejected for a peer without a required service (a full node has 1)."""
        del ours
        missing = required_services & ~theirs.services
        if missing:
            raise HandshakeRejected(f"services missing: {Services(missing).name}")

    def keeps(self, theirs: Version) -> int | None:
        """Legacy nodes do not say."""
        del theirs
        return None

    def before_verack(self, theirs: Version) -> Sequence[Message]:
        del theirs
        return ()

    def after_verack(self, theirs: Version) -> Sequence[Message]:
        del theirs
        return ()

    def is_negotiation(self, message: Message) -> bool:
        del message
        return False
