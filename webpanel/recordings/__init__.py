"""Recordings: played where the negotiation record speaks of them, every playback logged, and held where need be (T13)."""
