"""What both generations of Neo share: headers that validators sign (dBFT), the rules that follow, payloads of one form.

A header is proven by m of n P-256 signatures of the validators to whom its predecessor commits (`next_consensus`).

    hash160     the hash of scripts               script      verification scripts and signatures as bytes
    address     how people write such a hash      witness     whether m of n keys signed
    consensus   validators -> script and hash     rules, run  ChainRules for headers and blocks
    checkpoint  a trusted block to start from     header, context, fault: small values
    payload, format  payloads that both have      pings, magics  what their codecs need beside them

Itself no network. Used by `networks.neo2` and `networks.neo3`.
"""
