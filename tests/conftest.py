"""For all tests: Hypothesis sets no time limit for an example, as a busy machine would fail it."""

from hypothesis import settings

settings.register_profile("saikoku", deadline=None)
settings.load_profile("saikoku")
