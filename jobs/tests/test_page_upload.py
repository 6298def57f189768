"""The page for many jobs at once: a file is looked at first, and makes jobs when somebody says so."""

from __future__ import annotations

import html

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import Entry
from jobs.models import Job
from jobs.tests.pages import browser

URL = "/jobs/upload"
HOOK = "https://1.1.1.1/hook"
CSV = f"name,cron,url\nnightly,0 2 * * *,{HOOK}\n<b>bad</b>,61 * * * *,{HOOK}\n"


def send(client: Client, csv: str | bytes = CSV, **fields: str) -> HttpResponse:
    data = csv.encode() if isinstance(csv, str) else csv
    return client.post(URL, {"file": SimpleUploadedFile("jobs.csv", data), **fields})  # type: ignore[return-value]


def text_of(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def test_the_list_of_jobs_leads_to_it(uma: User, vic: User) -> None:
    assert f'href="{URL}"' in text_of(browser(uma).get("/jobs"))  # type: ignore[arg-type]
    assert f'href="{URL}"' not in text_of(browser(vic).get("/jobs"))  # type: ignore[arg-type]
    assert browser(uma).get(URL).status_code == 200


def test_a_file_is_looked_at_before_it_makes_jobs(uma: User) -> None:
    client = browser(uma)
    answer = send(client)
    assert answer.status_code == 200
    assert "1 job can be created." in text_of(answer)
    assert "1 row is left out." in text_of(answer)
    assert b"&lt;b&gt;bad&lt;/b&gt;" in answer.content
    assert not Job.objects.exists()
    confirm = reverse("job-upload-confirm", args=[answer.context["token"]])  # type: ignore[attr-defined]
    assert f'action="{confirm}"' in text_of(answer)

    made = client.post(confirm)
    job = Job.objects.get()
    assert f'href="/jobs/{job.uid}"' in text_of(made)  # type: ignore[arg-type]
    assert "1 job has been created." in text_of(made)  # type: ignore[arg-type]
    assert Entry.objects.get(object_type="job").surface == "page"
    # A second press of the button finds nothing to do.
    assert client.post(confirm)["Location"] == URL
    assert Job.objects.count() == 1


def test_somebody_elses_file_is_not_there(uma: User, ada: User) -> None:
    token = send(browser(uma)).context["token"]  # type: ignore[attr-defined]
    assert browser(ada).post(f"{URL}/{token}")["Location"] == URL
    assert not Job.objects.exists()
    assert browser(uma).get(f"{URL}/{token}").status_code == 405


def test_a_later_file_takes_the_place_of_an_earlier_one(uma: User) -> None:
    client = browser(uma)
    first, second = (
        send(client, f"name,cron,url\n{name},0 2 * * *,{HOOK}\n") for name in ("first", "second")
    )
    assert client.post(f"{URL}/{first.context['token']}")["Location"] == URL  # type: ignore[attr-defined]
    assert client.post(f"{URL}/{second.context['token']}").status_code == 200  # type: ignore[attr-defined]
    assert Job.objects.get().name == "second"


def test_a_file_without_a_good_row_cannot_be_confirmed(uma: User) -> None:
    answer = send(browser(uma), "name,cron\na,x\n")
    assert (answer.status_code, answer.context["token"]) == (200, "")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("csv", "text"),
    [(CSV.encode("utf-16"), "UTF-16"), (b"", "empty"), (b"a,b\n", "column")],
)
def test_a_file_that_cannot_be_read_is_explained(uma: User, csv: bytes, text: str) -> None:
    answer = send(browser(uma), csv)
    assert text in text_of(answer)
    assert not Job.objects.exists()


def test_a_large_file_is_refused_before_it_is_read(uma: User, settings: Settings) -> None:
    settings.BULK_UPLOAD_MAX_BYTES = 1024
    assert "larger" in text_of(send(browser(uma), "x" * 2000))
    assert send(browser(uma), "x" * 100_000).status_code == 413


def test_without_a_cache_it_says_so(uma: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_kwargs: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(cache, "set", away)
    answer = send(browser(uma))
    assert answer.status_code == 400
    assert "Try again later" in text_of(answer)


def test_who_may(vic: User, uma: User) -> None:
    assert browser().get(URL)["Location"].startswith("/login")
    assert send(browser(vic)).status_code == 403
    assert browser(vic).post(f"{URL}/x").status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(uma)
    assert send(strict).status_code == 403
