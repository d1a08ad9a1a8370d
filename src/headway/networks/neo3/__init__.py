"""Neo N3."""
