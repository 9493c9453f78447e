"""Conversations of several turns: what has been said, how many turns there are, how long users think. Pure."""
