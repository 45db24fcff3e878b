"""The register: what the office knows about a debtor, and what it may do about it."""
