"""Rows of members: `facts` takes in what happened, `commit` counts it, `read` shows it, `rules` keeps what it is
worth."""
