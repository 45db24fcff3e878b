"""The emergency stop on the screen: the red bar that everybody sees, and the switch of those who may use it."""
