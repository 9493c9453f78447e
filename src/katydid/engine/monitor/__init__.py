"""Records the state of the generator and the target during a run, and keeps the generator's latency steady."""
