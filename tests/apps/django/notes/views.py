"""A page of notes, and a form for one more."""

from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template import engines
from django.http import HttpResponse

from notes.models import Note

PAGE = """<!doctype html><title>Notes</title><h1>Notes</h1>
<form method=post><input type=hidden name=csrfmiddlewaretoken value="{{ token }}">
<input name=text aria-label=Note><button>Add</button></form>
<ul>{% for note in notes %}<li>{{ note.text }}</li>{% endfor %}</ul>"""


def notes(request):
    if request.method == "POST":
        Note.objects.create(text=request.POST["text"])
        return redirect("/")
    page = engines["django"].from_string(PAGE)
    return HttpResponse(page.render({"notes": Note.objects.order_by("id"), "token": get_token(request)}))
