"""A local block engine: Jito's JSON-RPC interface in front of the local net's machine.

Bundles (`bundle`) are taken in by regions (`region`, `methods`), each with faults of its own (`faults`), and
carried out by one auction for all of them (`auction`).
"""
