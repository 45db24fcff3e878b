"""The live floor for supervisors: operators, calls and campaigns at this moment, and stepping in."""
