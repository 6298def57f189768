"""Jobs by a part of their name, for the palette that opens with Ctrl-K (static/js/palette.js)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.pages.request import PageRequest
from jobs.models import Job

MOST, LONGEST = 20, 100


@login_required
@require_GET
def palette(request: PageRequest) -> JsonResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    jobs = Job.objects.visible_to(request.user).filter(name__icontains=text) if text else Job.objects.none()
    found = jobs.order_by("name").values_list("name", "uid")[:MOST]
    return JsonResponse({"jobs": [{"name": name, "url": reverse("job", args=[uid])} for name, uid in found]})
