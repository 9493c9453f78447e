"""What this machine can do for a load test: facts as they are found, and checks that judge them."""
