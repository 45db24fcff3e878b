"""Import files: what they hold, how a mapping says where it stands, and how bytes become values or a refusal."""
