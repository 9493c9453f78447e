"""How generator and target are doing while a run goes on, and what keeps the generator steady."""
