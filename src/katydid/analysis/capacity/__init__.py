"""Measure the highest load that meets an objective: in stages, by a search, with an estimate."""
