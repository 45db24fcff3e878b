"""再コール予約: booked calls listed, taken over, moved and taken back, and the pop at their time (T6)."""
