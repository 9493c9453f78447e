"""A run of several processes: what workers may tell their master, and who of them is there."""
