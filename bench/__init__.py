"""How fast headway is, beside the limit of the same work and beside others: a command a question, a JSON object each.

    python -m bench.headers | bench.blocks | bench.verify | bench.peer | bench.report      (`make bench` is the last)

docs/design/performance.md says what is measured and how. A timing is never a test.
"""
