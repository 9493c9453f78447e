"""What the load generator sends, and when: pacing, stages, prompts, traces, the failure threshold. Pure."""
