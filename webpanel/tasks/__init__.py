"""タスク: what has to be looked at, by whom, since when; and who is stuck (T10)."""
