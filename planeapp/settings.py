"""Every setting, read from the environment here and nowhere else. Names are explained in docs/settings.md."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from planeapp.lib.env import Reader
from planeapp.lib.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = Reader()

DEBUG = env.flag("DEBUG")
SECRET_KEY = env.secret("SECRET_KEY", "Set it to a long random text and keep it.")
ENCRYPTION_KEYS = env.keys("ENCRYPTION_KEYS")
APP_NAME = env.text("APP_NAME", "Groundcrew")
APP_BASE_URL = env.origin("APP_BASE_URL", "http://localhost:8000")
_base = urlsplit(APP_BASE_URL)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", _base.hostname or "localhost")
CSRF_TRUSTED_ORIGINS = [APP_BASE_URL]
SECURE = _base.scheme == "https"

# --- Vendors ---------------------------------------------------------------------------------------------------
PLANE_CLIENT_ID = env.text("PLANE_CLIENT_ID")
PLANE_CLIENT_SECRET = env.text("PLANE_CLIENT_SECRET")
PLANE_BASE_URL = env.origin("PLANE_BASE_URL", "https://api.plane.so")
PLANE_APP_URL = env.origin("PLANE_APP_URL", "https://app.plane.so")
PLANE_REDIRECT_URI = env.text("PLANE_REDIRECT_URI") or f"{APP_BASE_URL}/oauth/plane/callback/"
PLANE_WEBHOOK_SECRETS = env.words("PLANE_WEBHOOK_SECRET")
PLANE_SCOPES = env.words("PLANE_SCOPES", separator=None)
PLANNER_BASE_URL = env.origin("PLANNER_BASE_URL", "https://api.get-planner.com")
PLANHAT_BASE_URL = env.origin("PLANHAT_BASE_URL", "https://api.planhat.com")
VENDOR_URLS = {"planner": PLANNER_BASE_URL, "planhat": PLANHAT_BASE_URL}
OUTBOUND_ALLOW = env.words("OUTBOUND_ALLOW")

# --- Storage and work ------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
EMBEDDED = not REDIS_URL
DATABASES: dict[str, Any] = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'groundcrew.sqlite3'}")}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # Writers queue instead of failing half-way, and a commit is on the disk before a webhook is answered.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"].update(CONN_MAX_AGE=300, CONN_HEALTH_CHECKS=True)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
}
RECONCILE_SECONDS = 900.0
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 900}

# --- Django ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "csp",
    "django_htmx",
    "planeapp.installations",
    "planeapp.accounts",
    "planeapp.sync",
    "planeapp.customers",
    "planeapp.bot",
    "planeapp.inbox",
    "planeapp.dashboard",
    "planeapp.operators",
]
MIDDLEWARE = [
    "planeapp.lib.log_context.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "planeapp.urls"
WSGI_APPLICATION = "planeapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "planeapp.dashboard.context.app",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# Names with a hash need `collectstatic`, which the release process runs; without it the files are served as they are.
STATIC_HASHED = env.flag("STATIC_HASHED", (STATIC_ROOT / "staticfiles.json").exists())
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not STATIC_HASHED
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

# --- Sign-in ---------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "/signin/"
LOGIN_REDIRECT_URL = "/"
SOCIALACCOUNT_ONLY = True
SOCIALACCOUNT_STORE_TOKENS = False  # tokens live encrypted in installations.Credential alone
SOCIALACCOUNT_AUTO_SIGNUP = True
SOCIALACCOUNT_PROVIDERS = {
    "plane": {"APPS": [{"client_id": PLANE_CLIENT_ID, "secret": PLANE_CLIENT_SECRET, "name": "Plane"}]},
}
SOCIALACCOUNT_ADAPTER = "planeapp.accounts.adapter.Adapter"
ACCOUNT_ADAPTER = "planeapp.accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = False  # Plane says who a person is; two Plane accounts may share an address
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0)
SESSION_COOKIE_AGE = 14 * 24 * 3600

# --- Hygiene ---------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "planeapp.dashboard.errors.form_too_old"
SESSION_COOKIE_SAMESITE = "Lax"  # the consent page sends the browser back to us by a link
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"  # with no-referrer browsers send Origin: null, which the CSRF check refuses
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        # Chromium applies form-action to where a form's answer redirects to: sign-in ends at Plane. To providers leads a
        # link, so that no host has to be listed here that an admin allows later.
        "form-action": [SELF, PLANE_BASE_URL, PLANE_APP_URL],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Operators -------------------------------------------------------------------------------------------------
locals().update(env.email("EMAIL_URL", "console:"))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"{APP_NAME} <groundcrew@localhost>")
GRACE_DAYS = env.number("GRACE_DAYS", 30)
DELIVERY_DAYS = env.number("DELIVERY_DAYS", 30)
LOG_FORMAT = env.choice("LOG_FORMAT", "console" if DEBUG else "json", ("json", "console"))
LOGGING = logging_config(LOG_FORMAT)
LOGGING_CONFIG = "logging.config.dictConfig"
METRICS_TOKEN = env.text("METRICS_TOKEN")
SUPPORT_PATH = env.text("SUPPORT_PATH").strip("/")
SENTRY_DSN = env.text("SENTRY_DSN")

PROBLEMS = tuple(env.problems)
if sys.argv[1:2] != ["doctor"]:  # which tells of these, and of all else that is wrong
    env.finish()
