"""Thin wrappers of libraries that know the world: phone numbers, holidays, kana."""
