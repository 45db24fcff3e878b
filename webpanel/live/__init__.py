"""Live screens: what changed in the register reaches the browsers it concerns, as ids without content (SSE)."""
