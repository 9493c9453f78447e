"""What this machine can do for a load test: facts, and checks that judge them."""
