"""What the office does, one transaction each."""
