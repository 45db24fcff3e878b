"""担当: cases given to officers and groups, by hand or many at once, and the list of one's own (T10)."""
