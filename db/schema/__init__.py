"""Tables, a module a topic."""
