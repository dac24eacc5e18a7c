"""A project with one app, and its database in a volume, or in PostgreSQL at DATABASE_HOST."""

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only for previews")
ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = [os.environ.get("PREVS_URL", "http://localhost/").rstrip("/")]
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
INSTALLED_APPS = ["notes"]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/data/notes.sqlite3"}}
if host := os.environ.get("DATABASE_HOST"):
    server = {"HOST": host, "USER": "postgres", "NAME": "postgres"}
    DATABASES["default"] = {"ENGINE": "django.db.backends.postgresql", **server}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
