"""The shell around every screen: logging in and out, the password, the home screen, health and metrics."""
