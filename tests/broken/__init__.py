"""Right documents, broken in the ways in which people break them; each way knows what has to be said of it."""
