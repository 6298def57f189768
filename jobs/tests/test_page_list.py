"""The list of jobs."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Category, Team, User
from audit.record import Actor
from incidents.tests.factories import concerned, fail
from jobs import verbs
from jobs.models import Job
from jobs.pages import listing, tab_counts
from jobs.tests.factories import make_job, moment
from jobs.tests.pages import browser
from scheduler_site.lib.database.paging import Capped

pytestmark = pytest.mark.django_db


def names(user: User, query: str = "") -> list[str]:
    return [row.name for row in browser(user).get(f"/jobs{query}").context["rows"]]


def test_an_empty_list_says_what_to_do(uma: User, vic: User) -> None:
    assert "Create your first job" in browser(uma).get("/jobs").content.decode()
    assert "Create your first job" not in browser(vic).get("/jobs").content.decode()


def test_it_shows_schedule_next_run_and_what_keeps_a_job_from_running(uma: User, vic: User) -> None:
    make_job(name="nightly", expression="30 2 * * *", timezone="Europe/Berlin", due="2030-01-01 01:30")
    paused = make_job(uma, name="paused one")
    verbs.pause(paused, by=Actor(uma), reason="moving <house>", until=moment("2030-03-29 04:00"))
    client = browser(vic)
    client.cookies["zone"] = "Asia/Dubai"
    page = client.get("/jobs").content.decode()
    assert "At 02:30 (Europe/Berlin)" in page
    client.cookies["zone"] = "Europe/Berlin"
    assert ">At 02:30<" in client.get("/jobs").content.decode(), "the zone of the list is named in its head"
    # In the reader's zone, which is named once.
    assert '<time datetime="2030-01-01T01:30:00Z" title="2030-01-01 01:30:00 UTC">' in page
    assert "Tue 2030-01-01 05:30" in page
    assert page.count("Asia/Dubai") == 2  # in the head of the table, and before it for those who hear it
    assert "until Fri 2030-03-29 08:00 by uma" in page
    assert "moving &lt;house&gt;" in page


@pytest.mark.parametrize("zone", ["No/Where", "../../etc/passwd", "%00", "x" * 500, "<b>"])
def test_a_zone_that_there_is_not_is_the_schedulers(vic: User, zone: str) -> None:
    make_job(name="nightly")
    client = browser(vic)
    client.cookies["zone"] = zone
    assert f"Times are in {settings.SCHEDULER_TIMEZONE}." in client.get("/jobs").content.decode()


def test_it_shows_only_the_jobs_of_the_users_category(vic: User) -> None:
    other = Category.objects.create(name="Elsewhere")
    make_job(name="here")
    make_job(name="there", category=other.pk)
    vic.category = Category.general()
    vic.save()
    assert names(vic) == ["here"]


def test_it_searches_filters_and_sorts(uma: User) -> None:
    make_job(name="alpha", due="2030-01-02 00:00")
    paused = make_job(uma, name="beta")
    verbs.pause(paused, by=Actor(uma))
    make_job(name="gamma", schedule_kind="none")
    Job.objects.filter(name="alpha").update(quarantine_reason="no such zone")
    assert names(uma, "?q=LPH") == ["alpha"]
    assert names(uma, "?state=paused") == ["beta"]
    assert names(uma, "?state=broken") == ["alpha"]
    assert names(uma, "?state=manual") == ["gamma"]
    assert names(uma, "?state=active") == []
    assert names(uma, "?owner=me") == ["beta"]
    assert names(uma, "?kind=python_class") == []
    assert names(uma, "?sort=-name") == ["gamma", "beta", "alpha"]
    assert names(uma, "?sort=next") == ["alpha", "beta", "gamma"]
    assert names(uma, "?sort=-next") == ["alpha", "beta", "gamma"]


def test_it_finds_by_url_team_owner_and_category(uma: User, vic: User) -> None:
    team = Team.objects.create(name="Night shift")
    make_job(uma, name="a", team=team.pk)
    make_job(vic_as_owner(vic), name="b", options={"target_url": "https://1.1.1.1/Billing"})
    assert names(uma, "?q=billing") == ["b"]
    assert names(uma, "?q=night") == ["a"]
    assert names(uma, '?q=team:"night+shift"') == ["a"]
    assert names(uma, "?q=team:none") == ["b"]
    assert names(uma, "?q=owner:uma") == names(uma, "?q=owner:me") == names(uma, "?tab=mine") == ["a"]
    assert names(uma, "?q=owner:uma+owner:vic") == ["a", "b"]
    assert names(uma, "?q=category:general+kind:webhook+is:active") == ["a", "b"]
    assert names(uma, "?q=category:elsewhere") == []


def vic_as_owner(vic: User) -> User:
    vic.role = User.Role.USER
    vic.save()
    return vic


def test_what_cannot_be_searched_for_is_told_and_finds_nothing(uma: User) -> None:
    make_job(name="a")
    page = browser(uma).get("/jobs?q=is:fialing")
    assert page.context["rows"] == []
    assert "“is:fialing” is not something that can be searched for." in page.content.decode()


def test_tabs_count_what_the_search_finds_in_each(uma: User) -> None:
    make_job(uma, name="mine")
    verbs.pause(make_job(name="zz foreign"), by=Actor(uma))
    make_job(name="zz other")
    now = timezone.now()
    fail(now, concerned(uid=Job.objects.get(name="zz other").uid))
    fail(now, concerned(uid=Job.objects.get(name="zz other").uid), kind="late")
    tabs = {tab.name: tab.count for tab in browser(uma).get("/jobs?q=zz&tab=paused").context["tabs"]}
    assert tabs == {"": 2, "failing": 1, "paused": 1, "late": 1, "mine": 0}
    assert names(uma, "?tab=paused") == ["zz foreign"]
    assert names(uma, "?tab=failing") == names(uma, "?q=is:late") == ["zz other"]


def test_more_than_anybody_leafs_through_is_not_counted_and_said_so(
    uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tab_counts, "MOST", 2)
    monkeypatch.setattr(Capped, "MOST", 2)
    for number in range(4):
        make_job(uma if number < 2 else None, name=f"job {number}")
    for query in ("?q=kind:webhook", "?q=job"):
        page = browser(uma).get(f"/jobs{query}")
        tabs = {tab.name: (tab.count, tab.is_more) for tab in page.context["tabs"]}
        assert (tabs[""], tabs["mine"], tabs["failing"]) == ((2, True), (2, False), (0, False))
        text = " ".join(page.content.decode().split())
        assert '<span class="number" aria-hidden="true">2+</span><span class="sr">more than 2</span>' in text
        assert '<span class="number">2</span>' in text
        assert "All that match, more than 2" in text
        assert 'name="count"' not in text


def test_the_numbers_are_the_same_whether_much_or_little_is_found(
    uma: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_job(uma, name="a job")
    make_job(name="another job")
    verbs.pause(make_job(uma, name="paused job"), by=Actor(uma))
    make_job(name="something else")
    told = []
    for few in (0, 500):
        monkeypatch.setattr(listing, "FEW", few)
        page = browser(uma).get("/jobs?q=job")
        told.append((names(uma, "?q=job"), {tab.name: tab.count for tab in page.context["tabs"]}))
    assert told[0] == told[1]
    assert told[0][1] == {"": 3, "failing": 0, "paused": 1, "late": 0, "mine": 2}


def test_the_order_is_remembered_for_the_reader_and_nobody_else(uma: User, vic: User) -> None:
    make_job(name="a")
    make_job(name="b")
    client = browser(uma)
    client.get("/jobs?sort=-name")
    assert [row.name for row in client.get("/jobs").context["rows"]] == ["b", "a"]
    client.force_login(vic)
    assert [row.name for row in client.get("/jobs").context["rows"]] == ["a", "b"]


def test_the_list_asks_for_itself_alone_and_the_way_back_for_the_page(uma: User) -> None:
    make_job(name="a")
    live = {"HX-Request": "true", "HX-Target": "list"}
    part = browser(uma).get("/jobs", headers=live)
    assert "<html" not in part.content.decode()
    assert "HX-Target" in part.headers["Vary"]
    back = browser(uma).get("/jobs", headers=live | {"HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "2", "9" * 30, "9" * 5000, "x", "%00"])
def test_a_page_that_is_not_there_is_not_found(vic: User, page: str) -> None:
    assert browser(vic).get(f"/jobs?page={page}").status_code == 404


@pytest.mark.parametrize(
    "query", ["q=%00", "state=%00", "category=x", "category=" + "9" * 99, "sort=pk", "kind=1", "q=%ff"]
)
def test_absurd_filters_are_ignored(vic: User, query: str) -> None:
    assert browser(vic).get(f"/jobs?{query}").status_code == 200


def test_the_verbs_are_shown_to_those_who_may(uma: User, vic: User) -> None:
    mine, foreign = make_job(uma, name="mine"), make_job(name="foreign")
    page = browser(uma).get("/jobs").content.decode()
    assert f"/jobs/{mine.uid}/pause" in page
    assert f"/jobs/{foreign.uid}/pause" not in page
    assert f"/jobs/{mine.uid}/pause" not in browser(vic).get("/jobs").content.decode()


def test_more_jobs_take_no_more_queries(ada: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/jobs").status_code == 200
        return len(captured)

    client = browser(ada)
    make_job(name="first")
    client.get("/jobs")
    few = queries()
    for _number in range(5):
        make_job(name=uuid.uuid4().hex)
    assert queries() == few


def test_a_broken_schedule_hurts_only_its_own_row(vic: User) -> None:
    make_job(name="good")
    bad = make_job(name="bad", timezone="Europe/Rome")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = 'No/Where' WHERE timezone = 'Europe/Rome'"
        )
    assert names(vic) == ["bad", "good"]
    assert browser(vic).get(f"/jobs/{bad.uid}").status_code == 200


def test_nobody_sees_it_without_logging_in(client: object) -> None:
    assert browser().get("/jobs").headers["Location"].startswith("/login")
