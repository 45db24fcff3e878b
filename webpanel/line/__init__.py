"""The line: going on and off duty, placing a call, and the buttons of the call bar."""
