"""The rules of a ticket: its fields, its moves, the messages it takes and the decisions of its process."""
