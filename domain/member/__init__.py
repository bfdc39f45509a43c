"""Members: the facts of what a person contributed, the points they are worth, levels, and leaderboards."""
