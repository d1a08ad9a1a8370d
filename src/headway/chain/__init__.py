"""Headers as a tree with work, and what the best chain is. Does not know that peers exist."""
