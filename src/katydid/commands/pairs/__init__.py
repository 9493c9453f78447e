"""`katydid ab` and `katydid bisect`: run two versions as interleaved pairs until a verdict is reached."""
