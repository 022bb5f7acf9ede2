"""The parts of `sources.rpc`: wire format, HTTP, health, limits, meter, and the race of endpoints."""
