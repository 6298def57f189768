"""The table of contents."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from audit.rest import operators
from executions.rest.metrics import MetricsView
from scheduler_site.openapi.views import redoc, swagger
from scheduler_site.rest.api_root import ApiRootView


def healthz(_request: HttpRequest) -> HttpResponse:
    """The web process answers; what lies behind it is judged by `/api/health`."""
    return HttpResponse("ok", content_type="text/plain")


admin.autodiscover()
admin.site.site_header = admin.site.site_title = "Belfry"

handler400 = "scheduler_site.rest.refused_early.bad_request"
handler500 = "scheduler_site.rest.database_unavailable.server_error"

urlpatterns = [
    # Two addresses of pages are known to machines too: before the pages.
    path("", include("compat.conda_tasks.urls")),
    # Pages
    path("", include("executions.urls")),
    path("", include("compat.importers.crontab_page")),
    path("", include("jobs.urls")),
    path("", include("environments.urls")),
    path("", include("accounts.urls")),
    path("", include("audit.urls")),
    path("", include("notifications.urls")),
    path("", include("scheduler_site.help.urls")),
    path("", include("incidents.urls")),
    # Machines
    path("api/v1/", include("compat.ndscheduler.urls")),
    path("api/v2", ApiRootView.as_view()),
    path("api", ApiRootView.as_view()),
    path("api/v2/", include("scheduler_site.api_urls")),
    path("api/", include("scheduler_site.api_urls")),
    path("token/verify", operators.verify),
    path("token/verify/", operators.verify),
    path("docs", swagger, name="docs"),
    path("redoc", redoc, name="redoc"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("healthz", healthz, name="healthz"),
    # Administrators
    path("admin/", admin.site.urls),
]
if settings.THEMES_ENABLED:
    urlpatterns += [path("", include("themes.urls"))]
