"""One remote peer as a pure machine: handshake, requests, deadlines, statistics. Knows no socket, no clock, no chain.

machine     states, the table of what is legal when, the driver's inputs and outputs, the one way to the end
handshake   version, verack and what may be said in between
exchange    what is said once READY: our requests and their answers, pings both ways
requests    one of each kind out, the next waits        blocks      block batches and their two clocks
deadlines   one time for each cause, and the earliest   stats       what happened, in numbers
input       bytes -> messages                           output      messages -> bytes, events, trace
config      what it is told about ourselves             events      what it reports, a closed union

Around the machine, for those who put it before users (`aio`, `blocking`):
questions   what a user may ask for                     feed        blocks asked ahead of their consumer
inbox       messages that wait for their consumer       ending      why it went, as an error
info        a peer in the words of getpeerinfo          log         where the trace goes
"""
