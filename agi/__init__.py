"""FastAGI server: Asterisk asks who is calling, before a desk phone rings."""
