"""The FastAGI server: what Asterisk asks while a call is being set up. Its first handlers come with return calls."""
