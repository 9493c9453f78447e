"""What the commands that hand on to Locust have in common."""
