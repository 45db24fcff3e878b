"""Campaigns: for supervisors their list, settings and figures; for operators joining, the next person, and passing over."""
