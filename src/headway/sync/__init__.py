"""Many peers, one chain: whom to ask for which headers and blocks. Pure; does not know how a request travels."""
