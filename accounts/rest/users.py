"""The REST routes of accounts, for administrators and for oneself."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn, NotRequired, TypedDict

from rest_framework.request import Request

from accounts import verbs
from accounts.models import User
from accounts.rest.auth import SURFACE, OneUser
from accounts.rest.own_password import require_old_password
from accounts.rest.payloads import Registration, UserChanges, registration, user_changes
from accounts.rest.permissions import account, needs, require_person
from accounts.rest.wire import UserJson, user_json
from audit.record import Actor
from scheduler_site.openapi.route import route
from scheduler_site.rest import etags
from scheduler_site.rest.answers import Answer, Created
from scheduler_site.rest.parameters import CHANGED, IF_MATCH
from scheduler_site.rest.schema_types import Detail, Success, Uid
from scheduler_site.rest.views import BARE, ApiError, ApiView, DetailError, as_uuid

JobNames = list[Annotated[str, "The name of a job."]]


class Registered(TypedDict):
    """The new account."""

    success: Success
    message: Literal["User registered successfully"]
    user: UserJson


class Users(TypedDict):
    """Accounts."""

    count: Annotated[int, "How many."]
    users: Annotated[list[UserJson], "The accounts."]


class UserUpdated(TypedDict):
    """The account as it is now."""

    message: Literal["User updated successfully"]
    updated_fields: Annotated[list[Annotated[str, "A field."]], "What was given."]
    user: UserJson
    owned_jobs: NotRequired[Annotated[JobNames, "Of an account that was deactivated: the jobs that it owns."]]


class DeletedUser(TypedDict):
    """The account."""

    id: Annotated[Uid, "Its id."]
    username: Annotated[str, "Its name."]


class UserDeleted(TypedDict):
    """What was removed."""

    message: Literal["User deleted successfully"]
    deleted_user: DeletedUser
    jobs_without_owner: NotRequired[Annotated[JobNames, "The jobs that it owned, where there are any."]]


class _Users(ApiView):
    tag = "Users"


class RegisterView(_Users):
    method_permissions = {"POST": needs("accounts.add_user")}

    @route(
        "register_user",
        "The new account.",
        {409: ("Another account has this name or address.", Detail)},
        request=Registration,
        examples={
            "A user": {
                "username": "john_doe",
                "email": "john@example.com",
                "password": "secure123",
                "role": "user",
            }
        },
    )
    def post(self, request: Request) -> Created[Registered]:
        """Make an account.

        For administrators.
        """
        require_person(request)
        fields = registration(self.payload())
        try:
            user = verbs.register(**fields, by=Actor.request(request, SURFACE))
        except verbs.Taken as error:
            raise DetailError(409, str(error)) from error
        return Created({"success": True, "message": "User registered successfully", "user": user_json(user)})


class UsersView(_Users):
    method_permissions = {"GET": needs("accounts.view_user")}

    @route("list_users", "All of them; there are no pages.")
    def get(self, request: Request) -> Answer[Users]:
        """All accounts, by name.

        For administrators.
        """
        users = [user_json(user) for user in User.objects.order_by("username")]
        return Answer({"count": len(users), "users": users})


class UserView(_Users):
    method_permissions = {"DELETE": needs("accounts.delete_user")}

    @route("get_user", "The account.", {403: "Not one's own."})
    def get(self, request: Request, user_id: str) -> Answer[OneUser]:
        """One account.

        One's own account, or for administrators any.
        """
        self._require_self_or_admin(user_id, "view")
        return Answer({"user": user_json(self._user(user_id))})

    @route(
        "update_user",
        "The account as it is now.",
        {409: "Another account has this address, or it is the last active administrator.", **CHANGED},
        headers=[IF_MATCH],
        request=UserChanges,
    )
    def put(self, request: Request, user_id: str) -> Answer[UserUpdated]:
        """Change an account.

        One's own account, or for administrators any.
        """
        self.require_json()
        self._require_self_or_admin(user_id, "update")
        user, body = self._user(user_id), self.payload()
        require_person(request)
        values = user_changes(body, user, by_admin=account(request).has_perm("accounts.change_user"))
        if "password" in values and user == account(request):
            require_old_password(
                request, user, body.get("current_password"), by=Actor.request(request, SURFACE)
            )
        try:
            with etags.unchanged(request, User.objects.filter(pk=user.pk)):
                user = verbs.update(user, values, by=Actor.request(request, SURFACE))
        except (verbs.Taken, verbs.LastAdmin, User.DoesNotExist) as error:
            _refuse(error)
        told: UserUpdated = {
            "message": "User updated successfully",
            "updated_fields": list(values),
            "user": user_json(user),
        }
        if values.get("is_active") is False and (jobs := verbs.jobs_of(user)):
            told["owned_jobs"] = jobs
        return etags.tagged(Answer(told), user)

    @route("delete_user", "It is gone; its jobs stay.", {409: "It is the last active administrator."})
    def delete(self, request: Request, user_id: str) -> Answer[UserDeleted]:
        """Remove an account.

        For administrators, and not for one's own account.
        """
        require_person(request)
        user = self._user(user_id)
        if user == account(request):
            raise ApiError(400, "Cannot delete your own account", BARE)
        jobs = verbs.jobs_of(user)
        try:
            verbs.delete(user, by=Actor.request(request, SURFACE))
        except (verbs.LastAdmin, User.DoesNotExist) as error:
            _refuse(error)
        deleted: DeletedUser = {"id": str(user.uid), "username": user.username}
        told: UserDeleted = {"message": "User deleted successfully", "deleted_user": deleted}
        if jobs:
            told["jobs_without_owner"] = jobs
        return Answer(told)

    def _require_self_or_admin(self, user_id: str, verb: str) -> None:
        me = account(self.request)
        permission = "accounts.view_user" if verb == "view" else "accounts.change_user"
        if as_uuid(user_id) != me.uid and not me.has_perm(permission):
            raise ApiError(403, f"Forbidden. You can only {verb} your own profile.", BARE)

    def _user(self, user_id: str) -> User:
        uid = as_uuid(user_id)
        user = User.objects.filter(uid=uid).first() if uid else None
        if user is None:
            raise ApiError(404, "User not found", "There is no account with this id.")
        return user


def _refuse(error: Exception) -> NoReturn:
    if isinstance(error, User.DoesNotExist):
        raise ApiError(404, "User not found", "There is no account with this id.") from error
    if isinstance(error, verbs.LastAdmin):
        raise ApiError(409, "Last active admin", str(error)) from error
    raise ApiError(409, str(error), "Choose another one.") from error
