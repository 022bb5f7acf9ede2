"""The read side: what a run publishes about itself, and how viewers follow it.

The engine's process publishes records (`records`) through a bounded bus (`bus`) over a local socket
(`publisher`); viewers are other processes that follow (`follow`) and fold them (`model`).
"""
