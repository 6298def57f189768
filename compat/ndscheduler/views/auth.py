"""`/auth/...`: in, and who am I."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts import verbs
from accounts.signin import logins
from accounts.signin.throttle import TooManyAttempts
from compat import same_origin
from compat.ndscheduler import tokens, wire
from compat.ndscheduler.views.base import SURFACE, Answer, Refusal, V1View, as_json, refuse

REQUIRED = "Username and password are required"
WRONG = "Invalid username or password"


class LoginView(V1View):
    """POST username and password: a token, in the answer and as a cookie. 400, 401; 429 after too many failures."""

    open_to_all = True

    def post(self, request: HttpRequest) -> Answer:
        # Anything but JSON a browser sends without a question beforehand (CORS), for any page; that gets no cookie.
        if request.content_type != "application/json" and not same_origin.is_ours(request):
            refuse(400, "Pages of other sites must send application/json")
        body = self.body()
        name, password = body.get("username"), body.get("password")
        if not (isinstance(name, str) and isinstance(password, str) and name.strip() and password):
            refuse(400, REQUIRED)
        try:
            user = verbs.log_in(name.strip(), password, by=self.by, request=request)
        except verbs.LoginRefused as refusal:
            raise Refusal(401, WRONG) from refusal
        except TooManyAttempts as refusal:
            raise Refusal(429, str(refusal), {"Retry-After": str(refusal.wait)}) from refusal
        category = self.numbers.of(user.category_id)
        token = tokens.issue(user, category)
        answer = as_json(200, {"token": token, "user": wire.identity(user, category)})
        tokens.set_cookie(answer, token)
        logins.welcome(answer, user, request, SURFACE, tokens.LIFETIME, uid=tokens.login_of(token))
        return answer


class VerifyView(V1View):
    """GET: the account as it is now. 401 with a plain text, which the login page shows."""

    def get(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": wire.identity(self.user, self.numbers.of(self.user.category_id))}

    def unauthorized(self) -> Refusal:
        return Refusal(401, "Unauthorized")
