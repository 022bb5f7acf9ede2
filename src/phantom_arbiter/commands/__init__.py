"""One module per command; each is thin: parse, call, print."""
