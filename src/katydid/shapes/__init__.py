"""Load shapes: who runs a run in stages. Plans are pure (`core.stages`, `analysis.search`); Locust runs them here."""
