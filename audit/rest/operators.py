"""POST /token/verify: whether an operator's token is good today (wire facts of the operator-token dialect, section 1)."""

from __future__ import annotations

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from scheduler_site.lib import strict_json
from scheduler_site.rest.operator_tokens import ID_KEY, TOKEN_KEY, is_valid


@csrf_exempt
def verify(request: HttpRequest) -> JsonResponse:
    """200 `{"result": {"valid": bool}}` whatever is posted: it judges, it is not protected. 405 for other methods."""
    if request.method != "POST":
        return JsonResponse({"detail": "Method Not Allowed"}, status=405, headers={"Allow": "POST"})
    try:
        body = strict_json.loads(request.body)
    except (ValueError, SuspiciousOperation):  # the latter for a body that is too large
        body = None
    known = isinstance(body, dict)
    return JsonResponse({"result": {"valid": known and is_valid(body.get(ID_KEY), body.get(TOKEN_KEY))}})
