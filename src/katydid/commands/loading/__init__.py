"""The commands that start Locust (`run`, `web` and `capacity`) and their common code."""
