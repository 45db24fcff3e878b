"""For system administrators and auditors: users with their rights, and the access log."""
