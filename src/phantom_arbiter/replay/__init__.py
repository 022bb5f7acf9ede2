"""Replaying recordings: the clock that is injected, and what builds on it."""
