"""Havoc: a whole office at work while its parts are killed and frozen at random; then what it says is held against what
the carrier counted. `python -m tests.live.havoc --rounds 20 --calls 200`; a small round runs with the live tests.
"""
