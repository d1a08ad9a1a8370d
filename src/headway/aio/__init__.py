"""asyncio: sockets, clocks and threads around the pure machines. No protocol here."""
