"""What both generations of Neo share: payloads of one form, and the validators' signatures under headers (dBFT).

    payload, format  payloads that both have     pings, magics  what their codecs need beside them

Itself no network. Used by `networks.neo2` and `networks.neo3`.
"""
