"""What traffic is like, and whether a test is like it."""
