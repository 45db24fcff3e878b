"""What comes from the core systems: a file is staged beside the register, checked whole, and then applied in short steps.

Atomic per file, by a redo log: nothing of a file counts before all of it has been read and checked and the decision
(`ImportState.APPLYING`) is committed; from then on all of it will, for whoever finds the import unfinished goes on with
the staged lines. Each step takes whole people and commits the place it came to with them, so that a step is never taken
twice and no person is ever seen half imported. SQLite's one writer is held for one step only.
"""
