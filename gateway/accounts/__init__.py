"""People at the pages: accounts, what proves that somebody is who they say, and the sessions they then have."""
