"""When requests start: the trace, the barrier that users wait at, and this process's part of a rate or a trace."""
