"""For system administrators: files from the core systems and back to them."""
