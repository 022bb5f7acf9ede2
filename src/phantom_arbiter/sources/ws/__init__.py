"""Parts of the WebSocket feed; `sources/websocket.py` is its front page."""
