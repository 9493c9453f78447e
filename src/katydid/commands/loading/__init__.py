"""The commands that hand on to Locust, `run`, `web` and `capacity`, and what they have in common."""
