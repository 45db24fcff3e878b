"""名寄せ: pairs of people who may be one, side by side, and what officers decide on them."""
