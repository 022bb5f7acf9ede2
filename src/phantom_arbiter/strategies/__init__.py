"""Strategies: from an opportunity to a plan, or not. Pure: no I/O, no clock, no native module."""
