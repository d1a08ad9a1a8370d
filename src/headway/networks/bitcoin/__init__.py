"""Bitcoin: five networks as values, by one set of rules."""
