"""Mail servers that take their time, and those that take a mail for some of its recipients only."""

from __future__ import annotations

import datetime as dt
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from audit.record import Actor
from notifications.delivery import deliver
from notifications.models import Alert
from notifications.tests.conftest import Postbox
from notifications.tests.test_deliver import NOW, by_mail, now

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


# Slowly --------------------------------------------------------------------------------------------------------------


class Slow(socketserver.ThreadingTCPServer):
    """Speaks SMTP, and at `where` it sends a character now and then, for as long as anybody listens."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, where: str) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.where = where
        self.mails = 0
        self.over = threading.Event()


class Session(socketserver.StreamRequestHandler):
    server: Slow

    def handle(self) -> None:
        self.say("connect", "220 slow.example")
        while line := self.rfile.readline():
            verb = line.split()[0].decode().lower() if line.split() else ""
            if verb == "data":
                self.say("data", "354 go on")
                while self.rfile.readline().strip() != b".":
                    pass
                self.server.mails += 1
            self.say("end" if verb == "data" else verb, "221 bye" if verb == "quit" else "250 slow.example")
            if verb == "quit":
                return

    def say(self, where: str, text: str) -> None:
        if where == self.server.where:
            while not self.server.over.wait(0.05):
                self.wfile.write(b"2")
        self.wfile.write(text.encode() + b"\r\n")


@pytest.fixture
def slow(settings: Settings) -> Iterator[Callable[[str], Slow]]:
    servers: list[Slow] = []

    def start(where: str) -> Slow:
        server = Slow(where)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        settings.EMAIL_BACKEND = "notifications.channels.smtp.Backend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_USE_TLS = False
        settings.EMAIL_TIMEOUT = 1
        return server

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("where", ["connect", "ehlo", "mail", "rcpt", "data", "end"])
def test_a_server_that_drips_is_left_when_the_time_is_over(slow: Callable[[str], Slow], where: str) -> None:
    slow(where)
    alert = by_mail()
    began = time.monotonic()
    deliver.deliver_due(NOW)
    assert time.monotonic() - began < 8  # without the deadline, never
    assert now(alert) == ("pending", "the mail server was not done within 1 s")


@pytest.mark.parametrize("where", ["ehlo", "tls"])
@pytest.mark.parametrize("ssl", [True, False])
def test_so_is_one_that_drips_before_the_connection_is_secret(
    slow: Callable[[str], Slow], settings: Settings, where: str, ssl: bool
) -> None:
    slow("connect" if ssl else where)
    settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = ssl, not ssl
    alert = by_mail()
    began = time.monotonic()
    deliver.deliver_due(NOW)
    assert time.monotonic() - began < 8  # without the deadline, never
    assert now(alert)[0] == "pending"


def test_a_slow_goodbye_does_not_send_a_mail_twice(slow: Callable[[str], Slow]) -> None:
    server = slow("quit")
    alert = by_mail()
    deliver.deliver_due(NOW)
    assert deliver.deliver_due(NOW + dt.timedelta(days=1)) == 0
    assert (now(alert), server.mails) == (("delivered", ""), 1)


def test_nothing_is_left_behind_by_a_call_that_was_cut_off(slow: Callable[[str], Slow]) -> None:
    slow("rcpt")
    by_mail()
    deliver.deliver_due(NOW)
    assert [thread for thread in threading.enumerate() if thread.name == "mail"] == []


def test_a_name_server_that_does_not_answer_holds_nobody_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def hang(*args: object, **kwargs: object) -> None:
        answered.wait(10)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", hang)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "notifications.channels.smtp.Backend", "mail.example.com"
    settings.EMAIL_TIMEOUT = 1
    alert = by_mail()
    deliver.deliver_due(NOW)
    answered.set()
    assert now(alert) == ("pending", "the mail server was not done within 1 s")


# For some only -------------------------------------------------------------------------------------------------------


def told(postbox: Postbox) -> list[list[str]]:
    return [envelope.rcpt_tos for envelope in postbox.envelopes]


def alerts() -> dict[str, tuple[list[str], str]]:
    return {alert.state: (alert.recipients, alert.last_error) for alert in Alert.objects.all()}


def test_a_recipient_refused_for_now_is_tried_again_alone(postbox: Postbox) -> None:
    postbox.refuses = {"full@example.com": "450 later"}
    alert = by_mail("ops@example.com", "full@example.com", "dev@example.com")
    deliver.deliver_due(NOW)
    assert alerts() == {
        "delivered": (["ops@example.com", "dev@example.com"], ""),
        "pending": (["full@example.com"], "the mail server refused the recipients: 450"),
    }
    assert deliver.deliver_due(NOW + 14 * SECOND) == 0
    assert deliver.deliver_due(NOW + 16 * SECOND) == 1
    postbox.refuses = {}
    assert deliver.deliver_due(NOW + 50 * SECOND) == 1
    assert deliver.deliver_due(NOW + dt.timedelta(days=1)) == 0
    assert told(postbox) == [["ops@example.com", "dev@example.com"], ["full@example.com"]]
    assert set(Alert.objects.values_list("state", flat=True)) == {"delivered"}
    assert now(alert)[0] == "delivered"


def test_a_recipient_refused_for_good_is_on_record_and_left_alone(postbox: Postbox) -> None:
    postbox.refuses = {"gone@example.com": "550 no such user"}
    by_mail("gone@example.com", "ops@example.com")
    deliver.deliver_due(NOW)
    assert alerts() == {
        "delivered": (["ops@example.com"], ""),
        "undeliverable": (["gone@example.com"], "the mail server refused the recipients: 550"),
    }
    assert deliver.deliver_due(NOW + dt.timedelta(days=1)) == 0
    assert told(postbox) == [["ops@example.com"]]


def test_one_of_each_goes_three_ways(postbox: Postbox) -> None:
    postbox.refuses = {"gone@example.com": "550 no", "full@example.com": "452 later"}
    by_mail("gone@example.com", "ops@example.com", "full@example.com")
    deliver.deliver_due(NOW)
    assert {state: recipients for state, (recipients, _error) in alerts().items()} == {
        "delivered": ["ops@example.com"],
        "undeliverable": ["gone@example.com"],
        "pending": ["full@example.com"],
    }


def test_where_nobody_was_taken_only_those_who_may_get_it_are_tried_again(postbox: Postbox) -> None:
    postbox.refuses = {"gone@example.com": "550 no", "full@example.com": "450 later"}
    alert = by_mail("gone@example.com", "full@example.com")
    deliver.deliver_due(NOW)
    alert.refresh_from_db()
    assert (alert.state, alert.recipients, alert.attempts) == ("pending", ["full@example.com"], 1)
    assert alerts()["undeliverable"][0] == ["gone@example.com"]
    postbox.refuses = {}
    deliver.deliver_due(NOW + 16 * SECOND)
    assert told(postbox) == [["full@example.com"]]


@pytest.mark.parametrize(("reply", "state"), [("450 later", "pending"), ("550 no", "undeliverable")])
def test_where_all_are_refused_alike_it_stays_one_alert(postbox: Postbox, reply: str, state: str) -> None:
    postbox.refuses = dict.fromkeys(["a@example.com", "b@example.com"], reply)
    by_mail("a@example.com", "b@example.com")
    deliver.deliver_due(NOW)
    reason = f"the mail server refused the recipients: {reply[:3]}"
    assert alerts() == {state: (["a@example.com", "b@example.com"], reason)}


def test_a_server_that_hangs_up_among_the_recipients_has_given_it_to_nobody(postbox: Postbox) -> None:
    postbox.refuses = {"b@example.com": "421 closing"}
    by_mail("a@example.com", "b@example.com", "c@example.com")
    deliver.deliver_due(NOW)
    assert (told(postbox), list(alerts())) == ([], ["pending"])
    postbox.refuses = {}
    deliver.deliver_due(NOW + 16 * SECOND)
    assert told(postbox) == [["a@example.com", "b@example.com", "c@example.com"]]


def test_one_refused_for_a_day_is_given_up_and_can_be_sent_again(postbox: Postbox) -> None:
    postbox.refuses = {"full@example.com": "450 later"}
    by_mail("ops@example.com", "full@example.com")
    deliver.deliver_due(NOW)
    part = Alert.objects.get(state="pending")
    deliver.deliver_due(NOW + dt.timedelta(hours=25))
    assert now(part)[0] == "undeliverable"
    postbox.refuses = {}
    assert deliver.send_again(part, by=Actor.system())
    deliver.deliver_due()
    assert told(postbox) == [["ops@example.com"], ["full@example.com"]]
