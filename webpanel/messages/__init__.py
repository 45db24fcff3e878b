"""連絡: notes between staff about a case, with a badge for what is unread and a receipt for what was read (T10)."""
