"""JSON-RPC over HTTP: requests, errors and methods of a Solana node, as far as this product uses them."""
