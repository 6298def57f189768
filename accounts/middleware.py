"""What requests of pages go through because there are accounts."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from accounts.pages import kept


class KeptFormMiddleware:
    """Nothing that was typed is lost because a session ended meanwhile: it goes through the login (pages/kept.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if kept.is_turned_away(request, response):
            return kept.login_page(request) or response
        return response
