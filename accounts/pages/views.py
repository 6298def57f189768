"""The account pages: log in, log out, change the password."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts import verbs
from accounts.models import Preferences, User
from accounts.pages import expired_session
from accounts.pages.forms import SURFACE, LoginForm, PasswordForm
from accounts.pages.profile import ZONE, stored_zone
from accounts.rest.permissions import account
from accounts.signin import logins
from audit.record import Actor


def set_language(request: HttpRequest) -> HttpResponseBase:
    """Sets the language of this browser and of messages to the logged-in user."""
    answer = i18n.set_language(request)
    chosen = request.POST.get("language", "") if request.method == "POST" else ""
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        preferences = Preferences.objects.get_or_create(user=request.user)[0]
        verbs.set_preferences(preferences, {"language": chosen}, by=Actor.request(request, SURFACE))
    return answer


class Throttled:
    """Answers 429 when the form says that there were too many attempts."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        if form.wait is not None:
            response.status_code = 429
            response.headers["Retry-After"] = str(form.wait)
        return response


class LoginView(Throttled, auth.LoginView):
    """Leads back to `next` when that is a page of ours."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response, request = super().form_valid(form), self.request
        _welcome(response, request)
        expired_session.keep_after_login(request)
        request.session[ZONE] = stored_zone(account(request))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The kept form survives a wrong password.
        return super().get_context_data(**kwargs) | {"kept": self.request.POST.get(expired_session.FIELD, "")}


class LogoutView(auth.LogoutView):
    """POST only, so that a link cannot log users out."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            key = request.session.session_key or ""
            verbs.log_out(request.user, by=Actor.request(request, SURFACE), session_key=key)
        return super().post(request, *args, **kwargs)


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class PasswordView(Throttled, LoginRequiredMixin, FormView[PasswordForm]):
    """Changes one's own password; every other session and every token of the account ends."""

    template_name = "accounts/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("password")

    def get_form_kwargs(self) -> dict[str, Any]:
        by = Actor.request(self.request, SURFACE)
        return super().get_form_kwargs() | {"user": self.request.user, "by": by}

    def form_valid(self, form: PasswordForm) -> HttpResponse:
        update_session_auth_hash(self.request, form.save())
        messages.success(self.request, _("Your password has been changed."))
        response = super().form_valid(form)
        _welcome(response, self.request)
        return response


def _welcome(response: HttpResponse, request: HttpRequest) -> None:
    lifetime = dt.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    key = request.session.session_key or ""
    logins.welcome(response, account(request), request, SURFACE, lifetime, session_key=key)
