"""Queries, a module a topic. Every query that returns people or money takes a Viewer."""
