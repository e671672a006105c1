"""Whom a change of a standard concerns: agreements, services, forms, readers, and how much each was really used."""
