"""Tables, a module a topic. Importing the package makes the metadata complete."""

from db.schema import (
    calls,
    campaigns,
    claims,
    contacts,
    exchange,
    extraction,
    merges,
    ops,
    people,
    sms,
    staff,
    states,
    summaries,
    work,
)
from db.schema.base import Base

metadata = Base.metadata

__all__ = [
    "calls",
    "campaigns",
    "claims",
    "contacts",
    "exchange",
    "extraction",
    "merges",
    "metadata",
    "ops",
    "people",
    "sms",
    "staff",
    "states",
    "summaries",
    "work",
]
