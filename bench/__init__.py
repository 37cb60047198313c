"""``make bench``: what a delivery costs, beside a plain Channels chat and a bare WebSocket server."""
