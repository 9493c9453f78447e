"""Runs in stages: the load shapes that carry out a plan of stages."""
