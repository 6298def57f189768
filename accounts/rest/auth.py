"""The REST routes of accounts: `/auth/...` of the native API."""

from __future__ import annotations

from typing import Any, NoReturn

from drf_spectacular.utils import extend_schema_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import tokens, verbs
from accounts.authentication import RefreshAuthentication
from accounts.models import User
from accounts.permissions import AdminOnly, account, require_person
from accounts.rest import schema, users_schema
from accounts.rest.payloads import registration, user_changes
from accounts.throttle import TooManyAttempts
from audit.record import By
from scheduler_site.rest.views import (
    ApiError,
    ApiView,
    DetailError,
    SchemaError,
    StrictFormParser,
    as_uuid,
    timestamp,
    too_many,
)

SURFACE = "api"


def user_json(user: User) -> dict[str, Any]:
    """The user object of every answer; never anything about the password."""
    return {
        "id": str(user.uid),
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "is_active": user.is_active,
        "created_at": timestamp(user.created_at),
        "updated_at": timestamp(user.updated_at),
    }


@extend_schema_view(**schema.LOGIN)
class LoginView(ApiView):
    """POST username or email, and password, for a pair of tokens. 400, 401 or 429."""

    traced = False

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        body = self.payload()
        name = next((body[key] for key in ("username", "email") if body.get(key)), None)
        password = body.get("password")
        if not (isinstance(name, str) and name.strip() and isinstance(password, str) and password):
            raise ApiError(400, "Missing username or password", "Give username (or email) and password.")
        return self.answer(request, name.strip(), password)

    def answer(self, request: Request, name: str, password: str) -> Response:
        try:
            user = verbs.log_in(name, password, by=By.request(request, SURFACE))
        except verbs.LoginRefused as refusal:
            raise DetailError(401, str(refusal)) from refusal
        except TooManyAttempts as refusal:
            raise too_many(refusal.wait) from refusal
        access, refresh = tokens.issue(user)
        return Response(
            {
                "success": True,
                "message": "Login successful",
                "user": user_json(user),
                "access_token": access,
                "refresh_token": refresh,
                "token_type": "bearer",
            }
        )


@extend_schema_view(**schema.FORM_LOGIN)
class FormLoginView(LoginView):
    """The same for the password form of OAuth2 (RFC 6749, 4.3.2); 422 when a field is missing."""

    parser_classes = (StrictFormParser,)

    def post(self, request: Request) -> Response:
        if not request.content_type.startswith("application/x-www-form-urlencoded"):
            raise ApiError(400, "Content-Type must be application/x-www-form-urlencoded")
        data: Any = request.data
        form = {field: str(data.get(field, "")) for field in ("username", "password")}
        for field, text in form.items():
            if not text.strip():
                raise SchemaError(["body", field], "missing", "Field required", None)
        return self.answer(request, form["username"].strip(), form["password"])


@extend_schema_view(**schema.REFRESH)
class RefreshView(ApiView):
    """POST with the refresh token in the header for a new access token."""

    traced = False

    authentication_classes = (RefreshAuthentication,)

    def post(self, request: Request) -> Response:
        return Response(
            {
                "access_token": tokens.access_token(account(request), _login(request)),
                "refresh_token": None,
                "token_type": "bearer",
                "expires_in": int(tokens.ACCESS_LIFETIME.total_seconds()),
            }
        )


@extend_schema_view(**schema.ME)
class MeView(ApiView):
    def get(self, request: Request) -> Response:
        return Response({"user": user_json(account(request))})


@extend_schema_view(**schema.VERIFY)
class VerifyView(ApiView):
    def get(self, request: Request) -> Response:
        return Response(
            {
                "valid": True,
                "user_id": str(account(request).uid),
                "username": account(request).username,
                "role": account(request).role,
                "message": "Token is valid",
            }
        )


@extend_schema_view(**schema.LOGOUT)
class LogoutView(ApiView):
    """Ends the refresh token that came with this access token."""

    traced = False

    def post(self, request: Request) -> Response:
        verbs.log_out(account(request), by=By.request(request, SURFACE), login=_login(request))
        return Response(
            {
                "success": True,
                "message": "Logout successful",
                "detail": "The refresh token has been revoked. Discard the access token.",
            }
        )


@extend_schema_view(**users_schema.REGISTER)
class RegisterView(ApiView):
    """POST a new account (admins). 400, 403 or 409."""

    method_permissions = {"POST": AdminOnly}

    def post(self, request: Request) -> Response:
        require_person(request)
        fields = registration(self.payload())
        try:
            user = verbs.register(**fields, by=By.request(request, SURFACE))
        except verbs.Taken as error:
            raise DetailError(409, str(error)) from error
        body = {"success": True, "message": "User registered successfully", "user": user_json(user)}
        return Response(body, status=201)


@extend_schema_view(**users_schema.USERS)
class UsersView(ApiView):
    method_permissions = {"GET": AdminOnly}

    def get(self, request: Request) -> Response:
        users = [user_json(user) for user in User.objects.order_by("username")]
        return Response({"count": len(users), "users": users})


@extend_schema_view(**users_schema.USER_)
class UserView(ApiView):
    """One account: read and changed by itself and by admins, deleted by admins."""

    method_permissions = {"DELETE": AdminOnly}

    def get(self, request: Request, user_id: str) -> Response:
        self._require_self_or_admin(user_id, "view")
        return Response({"user": user_json(self._user(user_id))})

    def put(self, request: Request, user_id: str) -> Response:
        self.require_json()
        self._require_self_or_admin(user_id, "update")
        user, body = self._user(user_id), self.payload()
        if "password" in body:
            require_person(request)
        values = user_changes(body, user, by_admin=account(request).is_admin)
        try:
            user = verbs.update(user, values, by=By.request(request, SURFACE))
        except (verbs.Taken, verbs.LastAdmin, User.DoesNotExist) as error:
            _refuse(error)
        return Response(
            {
                "message": "User updated successfully",
                "updated_fields": list(values),
                "user": user_json(user),
            }
        )

    def delete(self, request: Request, user_id: str) -> Response:
        user = self._user(user_id)
        if user == account(request):
            raise ApiError(400, "Cannot delete your own account")
        try:
            verbs.delete(user, by=By.request(request, SURFACE))
        except (verbs.LastAdmin, User.DoesNotExist) as error:
            _refuse(error)
        deleted = {"id": str(user.uid), "username": user.username}
        return Response({"message": "User deleted successfully", "deleted_user": deleted})

    def _require_self_or_admin(self, user_id: str, verb: str) -> None:
        me = account(self.request)
        if not me.is_admin and as_uuid(user_id) != me.uid:
            raise ApiError(403, f"Forbidden. You can only {verb} your own profile.")

    def _user(self, user_id: str) -> User:
        uid = as_uuid(user_id)
        user = User.objects.filter(uid=uid).first() if uid else None
        if user is None:
            raise ApiError(404, "User not found")
        return user


def _login(request: Request) -> str:
    """The login that a token belongs to; empty for a session."""
    claims: Any = request.auth
    return str(claims.get("sid", "")) if claims else ""


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, User.DoesNotExist):
        raise ApiError(404, "User not found") from error
    if isinstance(error, verbs.LastAdmin):
        raise ApiError(409, "Last active admin", str(error)) from error
    raise ApiError(409, str(error)) from error
