"""The record of one person (基本画面): who, what is owed, what happened last, and what to do now."""
