"""Rules of collection: pure functions over frozen values, standard library only. They look nothing up."""
