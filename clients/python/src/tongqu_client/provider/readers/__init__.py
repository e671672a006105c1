"""Readers: a CSV file, an Excel sheet or an SQL table becomes rows of texts that know their row number."""
