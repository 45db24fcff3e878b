"""Tables, a module a topic. Importing the package makes the metadata complete."""

from db.schema import calls, claims, contacts, ops, people, staff, states, summaries, work
from db.schema.base import Base

metadata = Base.metadata

__all__ = ["calls", "claims", "contacts", "metadata", "ops", "people", "staff", "states", "summaries", "work"]
