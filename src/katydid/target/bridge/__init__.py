"""The embedded target's chat bridge: sessions, rooms, and the answers in them."""
