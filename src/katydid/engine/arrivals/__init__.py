"""When requests start: what was asked for, the barrier that users wait behind, and this process's part in a rate."""
