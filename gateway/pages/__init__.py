"""Pages for people, one folder per audience, over the same actions as the API."""
