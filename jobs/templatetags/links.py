"""Links inside of sentences: `{% load links %}`."""

from __future__ import annotations

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from jobs.models import Job

register = template.Library()


@register.simple_tag
def job_link(job: Job | None) -> SafeString:
    """The name of a job that leads to its page; what stands for one that the reader may not see."""
    if job is None:
        return format_html('<span class="soft">{}</span>', _("a job that you may not see"))
    return format_html('<a href="{}">{}</a>', reverse("job", args=[job.uid]), job.name)
