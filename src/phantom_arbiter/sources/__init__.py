"""Where the engine's records come from."""
