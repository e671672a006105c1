"""Standards and code lists, as the gateway publishes them."""
