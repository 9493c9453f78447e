"""What `katydid ab` and `katydid bisect` share: versions that are run as interleaved pairs until it is decided."""
