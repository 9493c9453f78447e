"""`katydid ab` and `katydid bisect`: versions that are run as interleaved pairs until it is decided."""
