"""What people and their programs look at: metrics of a node."""
