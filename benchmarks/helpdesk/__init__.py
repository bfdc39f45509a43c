"""The desk beside django-helpdesk on the same machine: creating tickets, and reading them where there are many."""
