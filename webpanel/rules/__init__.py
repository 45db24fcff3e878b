"""催告ルール: when, how often and on which data people may be contacted, for each business area (C4)."""
