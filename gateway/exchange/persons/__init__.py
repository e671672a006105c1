"""Whose record an officer must not look up: their own, their relatives', and those of protected persons (rule R12)."""
