"""`python -m project.fill AGENTS < tickets.jsonl`: queues, people, and a ticket of each line, by Django's bulk inserts.

It prints the key of a session of the first agent, so that measuring needs no password.
"""

import json
import os
import sys
from itertools import islice

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402  after setup()
from django.contrib.auth.models import User  # noqa: E402  the same
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402  the same
from django.core.management import call_command  # noqa: E402  the same
from django.utils.dateparse import parse_datetime  # noqa: E402  the same
from helpdesk.models import FollowUp, Queue, Ticket  # noqa: E402  the same

QUEUES = 20
CHUNK = 2000


def main(agents: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("loaddata", "emailtemplate.json", verbosity=0)
    people = [
        User.objects.get_or_create(
            username=f"agent{number}",
            defaults={"email": f"agent{number}@desk.example", "is_staff": True, "is_superuser": True},
        )[0]
        for number in range(agents)
    ]
    queues = [
        Queue.objects.get_or_create(
            slug=f"queue{number}", defaults={"title": f"Queue {number}", "allow_public_submission": True}
        )[0]
        for number in range(QUEUES)
    ]
    while lines := list(islice(sys.stdin, CHUNK)):
        made = [json.loads(line) for line in lines]
        tickets = Ticket.objects.bulk_create(
            Ticket(
                title=one["title"],
                description=one["description"],
                queue=queues[one["queue"]],
                created=parse_datetime(one["created"]),
                submitter_email=one["submitter"],
                assigned_to=None if one["agent"] is None else people[one["agent"]],
                status=one["status"],
                priority=one["priority"],
            )
            for one in made
        )
        FollowUp.objects.bulk_create(
            FollowUp(ticket=ticket, date=ticket.created, title="Comment", comment=one["comment"], public=True)
            for ticket, one in zip(tickets, made, strict=True)
            if one["comment"]
        )
    print(_session(people[0]))


def _session(person: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    main(int(sys.argv[1]))
