"""What is sent, and when: pacing, stages, the failure threshold. Pure."""
