"""A deterministic network in virtual time: the machines of `node` and `peer` among honest and hostile peers.

    outcome = headway.testing.simulate("a quiet network", seed=7)

One seed, one history, byte for byte. Bytes travel over links with latency, bandwidth and faults (`link`, `internet`); a
node is driven as `aio` drives it (`node`), its peers are actors (`actor` and those beside it), a scenario is data
(`scenario`, `scenarios`), and `invariants` are looked at after each event. Pure: chains are made by `headway.testing`.
"""
