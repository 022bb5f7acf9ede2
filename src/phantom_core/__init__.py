"""Typed face of the native module."""
