"""Helpers that know nothing of departments, residents or records."""
