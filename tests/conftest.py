"""For all tests: Hypothesis sets no time limit for an example, as a busy machine would fail it; and what is loaded when tests
begin is left out of the search for cycles."""

import gc

from hypothesis import settings

settings.register_profile("saikoku", deadline=None)
settings.load_profile("saikoku")


def pytest_collection_finish() -> None:
    """All modules are loaded, and no test has begun."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
