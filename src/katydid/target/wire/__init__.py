"""HTTP/1.1 and WebSocket from the server's side, and arrival times of requests."""
