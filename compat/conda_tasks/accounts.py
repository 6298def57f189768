"""`/login`, `/logout`, `/create_user`. The first two are pages as well: what a form sends is theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts import verbs
from accounts.models import User
from accounts.pages import views as pages
from accounts.signin import logins
from accounts.signin.throttle import TooManyAttempts
from compat.conda_tasks import sessions
from compat.conda_tasks.base import SURFACE, Answer, CondaView, Refused, refuse
from compat.views import as_json

LONGEST_NAME = 150
LONGEST_PASSWORD = 1024
WRONG = "Invalid username or password"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class AccountView(CondaView):
    """Outside of `/api` a refusal is `{"message": ...}`."""

    def failure(self, status: int, text: str) -> dict[str, Any]:
        return {"message": text}

    def _handled(self, request: HttpRequest, kwargs: dict[str, str]) -> Answer:
        try:
            return super()._handled(request, kwargs)
        except Refused as refusal:
            body = {key: value for key, value in dict(refusal.body).items() if key != "success"}
            raise Refused(refusal.status, body, refusal.headers) from refusal


class LoginView(AccountView):
    """POST username and password: 200 and the cookie. 400 for no JSON, 401; 429 after too many failures."""

    open_to_all = True

    def post(self, request: HttpRequest) -> HttpResponse:
        self.own_write()
        body = self.body()
        name, password = body.get("username"), body.get("password")
        if not (isinstance(name, str) and isinstance(password, str) and name and password):
            refuse(401, WRONG)
        try:
            user = verbs.log_in(name, password, by=self.by, request=request)
        except verbs.LoginRefused:
            refuse(401, WRONG)
        except TooManyAttempts as refusal:
            told = {"message": str(refusal)}
            raise Refused(429, told, {"Retry-After": str(refusal.wait)}) from refusal
        answer = as_json(200, {"message": "Login successful", "user": identity(user)})
        token = sessions.open_session(user)
        sessions.set_cookie(answer, token)
        key = sessions.key_of(token)
        logins.welcome(answer, user, request, SURFACE, sessions.LIFETIME, session_key=key)
        return answer


class LogoutView(AccountView):
    """POST: 200 and no cookie any more, with a session and without."""

    open_to_all = True

    def post(self, request: HttpRequest) -> HttpResponse:
        self.own_write()
        user, _renewed = sessions.account(request)
        sessions.close_session(request)
        if user is not None:
            request.user = user
            key = sessions.key_of(request.COOKIES.get(sessions.COOKIE, ""))
            verbs.log_out(user, by=self.by, session_key=key)
        answer = as_json(200, {"message": "Logout successful"})
        sessions.set_cookie(answer, "")
        return answer


class CreateUserView(AccountView):
    """POST username, password and is_admin: 201. 400, 401; 403 for everybody but administrators."""

    def post(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        if not self.user.has_perm("accounts.add_user"):
            refuse(403, "Unauthorized - Admin privileges required")
        name, password, admin = _account(self.body())
        role = User.Role.ADMIN if admin else User.Role.USER
        try:
            user = verbs.register(name, password, by=self.by, role=role, may_run_code=not admin)
        except verbs.Taken:
            refuse(400, "User already exists")
        except ValidationError as error:
            refuse(400, " ".join(error.messages))
        return 201, {"message": "User created successfully", "user": identity(user)}


def identity(user: User) -> dict[str, Any]:
    return {"username": user.username, "is_admin": user.is_admin}


def _account(body: dict[str, Any]) -> tuple[str, str, bool]:
    """Name, password, and whether it is an administrator's. 400."""
    for field, longest in (("username", LONGEST_NAME), ("password", LONGEST_PASSWORD)):
        text = body.get(field)
        if not isinstance(text, str) or not text.strip():
            refuse(400, f"{field.capitalize()} is required")
        if len(text) > longest:
            refuse(400, f"{field.capitalize()} has more than {longest} characters")
    admin = body.get("is_admin")
    if not isinstance(admin, bool | None):
        refuse(400, "is_admin must be true or false")
    return body["username"], body["password"], bool(admin)


def page_or(
    dialect: Callable[..., HttpResponseBase], page: Callable[..., HttpResponseBase]
) -> Callable[..., HttpResponseBase]:
    """GET and form posts go to the page, which checks CSRF; other posts go to the dialect."""
    protected = csrf_protect(page)

    @csrf_exempt
    def view(request: HttpRequest) -> HttpResponseBase:
        machine = request.method == "POST" and request.content_type not in FORMS
        return dialect(request) if machine else protected(request)

    return view


login = page_or(LoginView.as_view(), pages.LoginView.as_view())
logout = page_or(LogoutView.as_view(), pages.LogoutView.as_view())
create_user = CreateUserView.as_view()
