"""A small Django REST framework project in one file: `python drf_app.py PORT FOLDER`."""

import sys

import django
from django.conf import settings

PORT, FOLDER = sys.argv[1], sys.argv[2]
settings.configure(
    SECRET_KEY="none",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{FOLDER}/drf.sqlite3"}
    },
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "rest_framework.authtoken",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import pagination, routers, serializers, viewsets  # noqa: E402
from rest_framework.decorators import action  # noqa: E402


class Author(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "library"


class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    published = models.DateField()

    class Meta:
        app_label = "library"


class Review(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="reviews")
    stars = models.IntegerField()
    created = models.DateTimeField()

    class Meta:
        app_label = "library"


def serializer_of(kind):
    meta = type("Meta", (), {"model": kind, "fields": "__all__"})
    return type(f"{kind.__name__}Serializer", (serializers.ModelSerializer,), {"Meta": meta})


class Pages(pagination.PageNumberPagination):
    page_size = 10


class Offsets(pagination.LimitOffsetPagination):
    default_limit = 20


class Cursors(pagination.CursorPagination):
    page_size = 15
    ordering = "created"


class Authors(viewsets.ReadOnlyModelViewSet):
    queryset = Author.objects.order_by("id")
    serializer_class = serializer_of(Author)
    pagination_class = Pages


class Books(viewsets.ReadOnlyModelViewSet):
    queryset = Book.objects.order_by("id")
    serializer_class = serializer_of(Book)
    pagination_class = Offsets

    @action(detail=True)
    def reviews(self, request, pk=None):
        found = self.get_object().reviews.order_by("id")
        pages = Pages()
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(serializer_of(Review)(page, many=True).data)


class Reviews(viewsets.ReadOnlyModelViewSet):
    queryset = Review.objects.all()
    serializer_class = serializer_of(Review)
    pagination_class = Cursors


router = routers.DefaultRouter()
router.register("authors", Authors)
router.register("books", Books)
router.register("recent-reviews", Reviews)
urlpatterns = [path("api/v1/", include(router.urls))]


def fill():
    from datetime import UTC, date, datetime, timedelta

    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for kind in (Author, Book, Review):
            editor.create_model(kind)
    user = User.objects.create(username="reader")
    Token.objects.create(user=user, key=sys.argv[3])
    for number in range(1, 24):
        Author.objects.create(name=f"Author {number}")
    for number in range(1, 46):
        Book.objects.create(
            author_id=number % 23 + 1,
            title=f"Book {number}",
            price=number,
            published=date(2020, 1, 1) + timedelta(days=number),
        )
    for number in range(1, 68):
        Review.objects.create(
            book_id=5 if number <= 13 else number % 40 + 1,
            stars=number % 5 + 1,
            created=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        )


if __name__ == "__main__":
    fill()
    call_command("runserver", f"127.0.0.1:{PORT}", use_reloader=False, verbosity=0)
