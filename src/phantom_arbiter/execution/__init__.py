"""Executors: from a plan to an outcome. Only paper exists."""
