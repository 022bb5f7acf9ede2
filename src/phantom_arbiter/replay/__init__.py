"""Replaying recordings, and writing them."""
