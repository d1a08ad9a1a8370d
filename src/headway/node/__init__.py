"""The whole node, still without a socket: peers, addresses, sync, serving."""
