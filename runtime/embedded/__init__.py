"""Real servers that Duradesk brings along and runs as children: PostgreSQL and Temporal."""
