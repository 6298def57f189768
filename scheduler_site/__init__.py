"""The project package: what joins the apps together."""

from scheduler_site.celery import app as celery_app

__all__ = ["celery_app"]
