"""Classification: what a new ticket's text says of its category, kind and priority."""
