"""Bytes on sockets: HTTP/1.1 and WebSocket, both on one port."""
