"""The page for a crontab: the lines are looked at first, and make jobs when somebody says so."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from audit.models import Entry
from jobs.models import Job
from jobs.tests.pages import browser

pytestmark = pytest.mark.django_db

URL = "/jobs/import-crontab"
TEXT = "# Renews <b>them</b>\n17 3 * * * /usr/bin/certbot renew -q\n61 * * * * <i>wrong</i>\n"


def text_of(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def hidden(answer: Any) -> dict[str, str]:
    """What the button of the report sends: its hidden fields, as a browser would."""
    form = answer.context["hidden"]
    values = {name: form[name].value() for name in form.fields}
    sent = {
        name: str(value).replace("\n", "\r\n") for name, value in values.items() if value not in (None, False)
    }
    return sent | {"confirm": "1"}


def test_only_those_who_may_run_code_find_it(ada: User, uma: User, vic: User) -> None:
    assert f'href="{URL}"' in text_of(browser(ada).get("/jobs"))
    assert f'href="{URL}"' not in text_of(browser(uma).get("/jobs"))
    assert browser(ada).get(URL).status_code == 200
    for user in (uma, vic):
        assert browser(user).get(URL).status_code == 403
        assert browser(user).post(URL, {"text": TEXT, "source": "web1", "confirm": "1"}).status_code == 403
    assert not Job.objects.exists()


def test_a_text_is_looked_at_before_it_makes_jobs(ada: User) -> None:
    client = browser(ada)
    looked = client.post(URL, {"text": TEXT, "source": "web1", "timezone": "Europe/Berlin", "home": "/"})
    assert "1 job can be created." in text_of(looked)
    assert "Lines that are left out: 1." in text_of(looked)
    assert "job: certbot renew -q" in text_of(looked)
    assert b"&lt;i&gt;wrong&lt;/i&gt;" in looked.content
    assert not Job.objects.exists()
    made = client.post(URL, hidden(looked))
    assert "1 job has been created." in text_of(made)
    job = Job.objects.get()
    assert (job.owner, job.description) == (ada, "Renews <b>them</b>")
    assert job.options["working_directory"] == "/"
    assert job.timing.timezone == "Europe/Berlin"
    assert Entry.objects.get(object_type="job").surface == "page"
    client.post(URL, hidden(looked))  # a second press of the button
    assert Job.objects.count() == 1
    assert "Lines that are here already: 1." in text_of(client.post(URL, {"text": TEXT, "source": "web1"}))


def test_a_file_is_its_own_source(ada: User) -> None:
    client = browser(ada)
    for name, count in (("web1", 1), ("web2", 2), ("web2", 2)):
        looked = client.post(URL, {"file": SimpleUploadedFile(name, TEXT.encode()), "disabled": "on"})
        client.post(URL, hidden(looked))
        assert Job.objects.count() == count
    assert not any(job.is_active for job in Job.objects.all())


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"source": "a"}, "Choose a file, or paste its text."),
        ({"text": "0 0 * * * x"}, "Name the source of this text"),
        ({"text": "0 0 * * * kept", "source": "a", "timezone": "Nowhere"}, "time zone is not known"),
        ({"text": "0 0 * * * kept", "source": "a", "home": "x"}, "Write an absolute path"),
        ({"file": SimpleUploadedFile("a", b"0 0 * * * caf\xe9\n")}, "is not in UTF-8 (byte 0xE9)"),
        ({"file": SimpleUploadedFile("a", b"\0\0")}, "It is no text"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_entered_survives(
    ada: User, fields: dict[str, Any], told: str
) -> None:
    answer = browser(ada).post(URL, fields)
    assert answer.status_code == 400
    assert told in text_of(answer)
    assert str(fields.get("text", "")) in text_of(answer)
    assert not Job.objects.exists()


def test_a_file_in_another_encoding_is_read_as_what_it_is(ada: User) -> None:
    file = SimpleUploadedFile("a", b"0 0 * * * echo caf\xe9\n")
    answer = browser(ada).post(URL, {"file": file, "encoding": "iso-8859-1"})
    assert "echo café" in text_of(answer)
    browser(ada).post(URL, hidden(answer))
    assert Job.objects.get().options["args"][-1] == "echo café"
