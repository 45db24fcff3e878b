"""Extraction (抽出): conditions built by keyboard, counted as they change; what they find, saved, exported and fixed as lists."""
