"""Settings of mail and Slack, accounts, sessions and browser security, and the API."""

from __future__ import annotations

import re
from datetime import timedelta

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from scheduler_site.lib import env
from scheduler_site.settings.deployment import BASE_PATH, PRODUCTION, SECRET_KEY, THEMES_ENABLED, VERSION
from scheduler_site.settings.workers import SCRIPT_MAX_BYTES

# Mail and Slack --------------------------------------------------------------------------------------------------------

MAIL_ENABLED = env.boolean("MAIL_ENABLED", default=True)
EMAIL_HOST = env.text("MAIL_SERVER")
EMAIL_PORT = env.integer("MAIL_PORT", 587, low=1, high=65535)
EMAIL_HOST_USER = env.text("MAIL_USERNAME")
EMAIL_HOST_PASSWORD = env.secret("MAIL_PASSWORD")
# TLS from the first byte excludes turning to it later.
EMAIL_USE_SSL = env.boolean("MAIL_USE_SSL", default=False)
EMAIL_USE_TLS = env.boolean("MAIL_USE_TLS", default=not EMAIL_USE_SSL)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("MAIL_USE_SSL and MAIL_USE_TLS exclude each other. Set one of them to false.")
EMAIL_BACKEND = "notifications.channels.smtp.Backend"
# Seconds for all of a delivery; shorter than the time after which its process is taken for dead.
EMAIL_TIMEOUT = env.integer("MAIL_TIMEOUT", 30, low=1, high=90)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MAIL_DEFAULT_SENDER", "noreply@cronjobscheduler.local")
# Recipients of mails about the system itself; by default the active administrators.
ALERT_EMAILS = env.words("ALERT_EMAILS")
# `host` or `host:port` of services that may be inside, or speak no TLS; the older name counts too.
ALERT_ALLOWED_HOSTS = env.words("ALERT_ALLOWED_HOSTS")
SLACK_PLAIN_HOSTS = env.words("SLACK_PLAIN_HOSTS")
INBOX_EVERY_RUN = env.boolean("INBOX_EVERY_RUN", default=False)

# Who may ---------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.roles.RoleBackend"]
LOGIN_URL = LOGOUT_REDIRECT_URL = f"{BASE_PATH}/login"
LOGIN_REDIRECT_URL = f"{BASE_PATH}/"
# Scrypt costs an attacker memory and a login a fraction of a second; older hashes are renewed at the next login.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    # Of accounts that came from elsewhere (docs/moving-from-ndscheduler.md).
    "accounts.signin.hashers.InheritedBCrypt",
]
# For pages and commands. Of the APIs, whose documents say so, only the first (accounts/rest/payloads.py).
_RULES = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_RULES}.MinimumLengthValidator", "OPTIONS": {"min_length": 6}},
    {"NAME": f"{_RULES}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_RULES}.CommonPasswordValidator"},
    {"NAME": f"{_RULES}.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "belfry_session"
CSRF_COOKIE_NAME = "belfry_csrf"
# Sites beside this one, on the same host, are not sent its cookies.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = BASE_PATH or "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("HTTPS", default=PRODUCTION)
# With one proxy in front, its headers for scheme and client address are trusted; without one, any client could send them.
BEHIND_PROXY = env.boolean("BEHIND_PROXY", default=False)
# Behind a proxy that speaks TLS, plain HTTP is led there; probes that come past the proxy are not.
SECURE_SSL_REDIRECT = env.boolean("SSL_REDIRECT", default=SESSION_COOKIE_SECURE and BEHIND_PROXY)
SECURE_REDIRECT_EXEMPT = [rf"^{re.escape(f'{BASE_PATH}/'[1:])}(healthz|api/(v2/)?health|metrics)$"]
# How long browsers refuse plain HTTP after they have been here (RFC 6797); 0: not said.
SECURE_HSTS_SECONDS = env.integer(
    "HSTS_SECONDS", 31_536_000 if PRODUCTION and SESSION_COOKIE_SECURE else 0, low=0, high=63_072_000
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.boolean("HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# How many requests of one account may wait for the end of a run at the same time, in each web process.
WAITS_PER_ACCOUNT = env.integer("WAITS_PER_ACCOUNT", 20, low=0, high=10_000)
# Of a request, files apart. A script of the largest size fits in, though a browser sends two bytes for each line end, and JSON
# escapes what is not ASCII.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(1024 * 1024, 2 * SCRIPT_MAX_BYTES)
# As many jobs as may be changed at once can be marked one by one (executions/bulk/preview.py), and some fields beside them.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_100

# Browsers of other origins may call the API. With any origin (*) they send no credentials of the browser; named ones may.
CORS_ORIGINS = env.words("CORS_ORIGINS", "*")
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else CORS_ORIGINS
CORS_ALLOW_CREDENTIALS = not CORS_ALLOW_ALL_ORIGINS
_registry = "|themes|sub_themes|school-year[a-z-]*|course-entries|courses" if THEMES_ENABLED else ""
CORS_URLS_REGEX = rf"^/((api/|token/{_registry}).*|(login|logout|create_user)/?)$"
CORS_PREFLIGHT_MAX_AGE = 3600
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "x-operator-id", "x-operator-token")
CORS_EXPOSE_HEADERS = ("Idempotency-Replayed", "Retry-After")

OPERATOR_TOKEN_SALT = env.secret("OPERATOR_TOKEN_SALT") or "nchu"
OPERATOR_TOKEN_ALGORITHM = env.choice("OPERATOR_TOKEN_ALGORITHM", "md5", ("md5", "hmac-sha256"))
OPERATOR_TOKEN_REQUIRED = env.boolean("OPERATOR_TOKEN_REQUIRED", False)

JWT_SECRET_KEY = env.secret("JWT_SECRET_KEY") or SECRET_KEY
# What a scraper of /metrics says who it is by; without one only administrators may read them.
METRICS_TOKEN = env.secret("METRICS_TOKEN")
SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SECRET_KEY,
    "ALGORITHM": "HS256",
    "ACCESS_TOKEN_LIFETIME": timedelta(
        seconds=env.integer("JWT_ACCESS_TOKEN_EXPIRES", 3600, low=30, high=86400)
    ),
    "REFRESH_TOKEN_LIFETIME": timedelta(
        seconds=env.integer("JWT_REFRESH_TOKEN_EXPIRES", 2592000, low=60, high=31536000)
    ),
    # Each refresh token is valid for one use, for all clients; otherwise only if requested at the login.
    "ROTATE_REFRESH_TOKENS": env.boolean("JWT_ROTATE_REFRESH_TOKENS", default=False),
    "TOKEN_TYPE_CLAIM": "type",
    "USER_ID_FIELD": "uid",
    "USER_ID_CLAIM": "sub",
    "CHECK_REVOKE_TOKEN": True,
    "REVOKE_TOKEN_CLAIM": "rev",
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.signin.authentication.BearerAuthentication",
        "accounts.signin.authentication.PageSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["scheduler_site.rest.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "scheduler_site.rest.views.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "scheduler_site.openapi.routes.RouteSchema",
    "DEFAULT_THROTTLE_RATES": {
        "token-address": "30/min",
        "test-run": "20/min",
    },
    "UNICODE_JSON": True,
    "STRICT_JSON": True,
}
# The description of the API; what it says is in the types of the apps' routes.
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Belfry",
    "VERSION": VERSION,
    "SERVERS": [{"url": f"{BASE_PATH}/api/v2"}, {"url": f"{BASE_PATH}/api", "description": "The same."}],
    "POSTPROCESSING_HOOKS": ["scheduler_site.openapi.routes.finish"],
    "SORT_OPERATIONS": False,
}
