"""A guest book in memory: forms, redirects and a JSON answer."""

import os

from flask import Flask, jsonify, redirect, render_template_string, request

PAGE = """<!doctype html><title>Guests</title><h1>Guests of {{ label }}</h1>
<form method=post><input name=name aria-label=Name><button>Sign</button></form>
<ul>{% for name in names %}<li>{{ name }}</li>{% endfor %}</ul>"""

app = Flask(__name__)
names = []


@app.route("/", methods=["GET", "POST"])
def guests():
    if request.method == "POST":
        names.append(request.form["name"])
        return redirect(request.url)
    return render_template_string(PAGE, names=names, label=os.environ["PREVS_LABEL"])


@app.route("/about")
def about():
    wanted = ("PREVS_APP", "PREVS_COMMIT", "PREVS_LABEL", "PREVS_URL", "PORT", "GREETING")
    return jsonify({"host": request.host} | {name: os.environ.get(name) for name in wanted})
