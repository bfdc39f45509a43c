"""Our database: tables, writers, read queries and migrations. Queries live here and nowhere else."""
