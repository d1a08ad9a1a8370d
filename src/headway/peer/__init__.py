"""One remote peer as a pure machine: handshake, requests, deadlines, statistics. Knows no socket, clock or chain."""
