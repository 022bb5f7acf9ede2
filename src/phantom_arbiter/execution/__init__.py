"""Executors: from a plan to an outcome."""
