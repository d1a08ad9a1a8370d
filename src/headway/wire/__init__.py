"""Bytes <-> frames <-> messages. Knows no chain: payload formats live in `headway.networks`."""
