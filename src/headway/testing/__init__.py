"""For those who test: chains made on the spot. Ours are the tests, the demo and the benchmarks."""
