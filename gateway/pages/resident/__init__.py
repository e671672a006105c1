"""The resident's page: who looked at my data, why, under what; my consents; what I object to."""
