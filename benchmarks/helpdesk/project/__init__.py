"""The Django project that django-helpdesk runs in; run by the Python of its own environment, never by ours."""
