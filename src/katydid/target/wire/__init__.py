"""HTTP/1.1 and WebSocket from the server's side, and when requests arrived."""
