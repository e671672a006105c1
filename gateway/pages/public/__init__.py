"""The standards site (标准站): for everybody, without login, as live pages and as a static export."""
