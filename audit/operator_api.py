"""POST /token/verify: whether an operator's token is good today (wire facts of the operator-token dialect, section 1)."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from scheduler_site import strict_json
from scheduler_site.operators import ID_KEY, TOKEN_KEY, is_valid


@csrf_exempt
@require_POST
def verify(request: HttpRequest) -> JsonResponse:
    """200 `{"result": {"valid": bool}}` whatever is sent: it judges, it is not protected."""
    try:
        body = strict_json.loads(request.body)
    except ValueError:
        body = None
    known = isinstance(body, dict)
    return JsonResponse({"result": {"valid": known and is_valid(body.get(ID_KEY), body.get(TOKEN_KEY))}})
