"""The compliance officer's desk: what was looked up, by whom and why; cases, reviews, the log's integrity, reports."""
