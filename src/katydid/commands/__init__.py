"""The subcommands that are more than a call: what they take, and what they print."""
