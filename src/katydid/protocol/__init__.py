"""From bytes to events and back, without I/O: SSE, NDJSON, HTTP/1.1, WebSocket frames. Pure."""
