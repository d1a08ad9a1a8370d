"""Neo Legacy (2.x)."""
