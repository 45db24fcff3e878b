"""The synthetic city みなと野市: invented people, debts and history, at any size, for demos, tests and benches."""

from saikoku.city.seed import CityError, CitySummary, seed_city

__all__ = ["CityError", "CitySummary", "seed_city"]
