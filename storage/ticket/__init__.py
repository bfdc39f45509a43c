"""Tickets in the database: `commit` writes what a process decided, `facts` finds what a decision needs,
`read` and `listing` answer everybody else."""
