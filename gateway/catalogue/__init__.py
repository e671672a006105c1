"""Which department offers which standard as a service, and how it is reached."""
