"""The smallest application of each kind that a recipe is for, and images that recipes begin with.

The images are made of Debian's packages. Each application answers with its kind and its user.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from docker.api import APIClient

from framework.apps.recipes import BaseImages, images
from tests.applications import base_archive
from tests.fakes.samples import remove_image

Files = Mapping[str, str]

INTERPRETED = (
    *("ca-certificates", "nodejs", "npm", "python3-venv", "python3-pip", "ruby", "ruby-rack"),
    *("puma", "bundler", "php-cli", "composer", "caddy"),
)
COMPILED = (
    *("ca-certificates", "golang-go", "cargo", "gcc", "libc6-dev"),
    *("maven", "openjdk-21-jdk-headless", "libmaven-compiler-plugin-java", "libsurefire-java"),
    *("libmaven-resources-plugin-java", "libmaven-jar-plugin-java"),
)
_WHEELS = ("flask", "gunicorn", "django", "fastapi", "uvicorn", "uv", "pipenv", "poetry")
_PYTHON = "3.13"
"""Debian's."""

_MAVEN = """\
<settings><mirrors><mirror>
<id>debian</id><mirrorOf>*</mirrorOf><url>file:///usr/share/maven-repo</url>
</mirror></mirrors></settings>
"""
_ENVIRONMENT = (
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    # What official images get from registries is here, as builds of tests reach none.
    "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels UV_OFFLINE=1",
    "ENV BUNDLE_PREFER_LOCAL=true",
)

_PYTHON_SERVER = """\
import http.server, os

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{KIND} {os.getuid()}\\n".encode())

if __name__ == "__main__":
    http.server.HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
"""
_NODE_SERVER = """\
const answer = (asked, given) => given.end(`node ${process.getuid()}\\n`);
require("http").createServer(answer).listen(process.env.PORT);
"""
_BUILD_TOOL = """\
#!/usr/bin/env node
const fs = require("fs");
fs.mkdirSync("dist/about", { recursive: true });
fs.copyFileSync("page.html", "dist/index.html");
"""
_GO_SERVER = """\
package main

import ("fmt"; "net/http"; "os")

func main() {
	http.HandleFunc("/", func(given http.ResponseWriter, asked *http.Request) {
		fmt.Fprintf(given, "go %d\\n", os.Getuid())
	})
	panic(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
"""
_RUST_SERVER = """\
use std::{env, io::{Read, Write}, net::TcpListener, os::unix::fs::MetadataExt};

fn main() {
    let port: u16 = env::var("PORT").unwrap().parse().unwrap();
    let user = std::fs::metadata("/proc/self").unwrap().uid();
    for stream in TcpListener::bind(("0.0.0.0", port)).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let body = format!("rust {user}\\n");
        let head = format!("HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n", body.len());
        let _ = stream.write_all((head + &body).as_bytes());
    }
}
"""
_JAVA_SERVER = """\
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.*;

public class Main {
    public static void main(String[] given) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        Object user = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        byte[] body = ("java " + user + "\\n").getBytes();
        HttpServer server = HttpServer.create(new InetSocketAddress(port), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""


def _plugin(name: str, version: str, more: str = "") -> str:
    return (
        f"<plugin><artifactId>maven-{name}-plugin</artifactId><version>{version}</version>"
        f"{more}</plugin>"
    )


_MANIFEST = (
    "<configuration><archive><manifest><mainClass>Main</mainClass></manifest></archive>"
    "</configuration>"
)
_POM = (
    "<project><modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>a</artifactId>"
    "<version>1</version><properties><maven.compiler.release>17</maven.compiler.release>"
    "<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>"
    f"<build><plugins>{_plugin('compiler', '3.13.0')}{_plugin('resources', '3.3.1')}"
    f"{_plugin('surefire', '2.22.3')}{_plugin('jar', '3.3.0', _MANIFEST)}</plugins></build>"
    "</project>"
)
_LOCK = json.dumps({"name": "a", "lockfileVersion": 3, "packages": {"": {"name": "a"}}})
_PACKAGE = json.dumps({"name": "a", "scripts": {"start": "node server.js"}})
_PAGES = json.dumps(
    {"name": "a", "scripts": {"build": "vite"}, "devDependencies": {"vite": "file:tools/vite"}}
)
_VITE = json.dumps({"name": "vite", "version": "1.0.0", "bin": {"vite": "build.js"}})
_RACK = 'run ->(_) { [200, {"content-type" => "text/plain"}, ["ruby #{Process.uid}\\n"]] }\n'
_FLASK = """\
import os
from flask import Flask

app = Flask(__name__)

@app.get("/")
def answer():
    return f"flask {os.getuid()}\\n"
"""
_FASTAPI = """\
import os
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()

@app.get("/", response_class=PlainTextResponse)
def answer():
    return f"fastapi {os.getuid()}\\n"
"""
_DJANGO = {
    "manage.py": "import os, sys\nfrom django.core.management import execute_from_command_line\n"
    'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
    "execute_from_command_line(sys.argv)\n",
    "shop/settings.py": 'SECRET_KEY = "x"\nDEBUG = True\nALLOWED_HOSTS = ["*"]\n'
    'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["django.contrib.contenttypes"]\n'
    'DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}\n',
    "shop/urls.py": "import os\nfrom django.contrib.contenttypes.models import ContentType\n"
    "from django.http import HttpResponse\nfrom django.urls import path\n\n"
    "def answer(asked):\n    assert ContentType.objects.count()\n"
    '    return HttpResponse(f"django {os.getuid()}\\n")\n\n'
    'urlpatterns = [path("", answer)]\n',
    "shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\n"
    "application = get_wsgi_application()\n",
    "shop/__init__.py": "",
}
_UV_LOCK = (
    'version = 1\nrequires-python = ">=3.9"\n\n[[package]]\nname = "a"\nversion = "1"\n'
    'source = { virtual = "." }\n'
)


def _python(kind: str) -> str:
    return _PYTHON_SERVER.replace("{KIND}", kind)


APPS: Mapping[str, tuple[str, Files]] = {
    "static": ("static\n", {"index.html": "static\n"}),
    "npm": (
        "node 1000\n",
        {"package.json": _PACKAGE, "package-lock.json": _LOCK, "server.js": _NODE_SERVER},
    ),
    "pages": (
        "pages\n",
        {
            "package.json": _PAGES,
            "page.html": "pages\n",
            "tools/vite/package.json": _VITE,
            "tools/vite/build.js": _BUILD_TOOL,
        },
    ),
    "flask": ("flask 1000\n", {"requirements.txt": "flask\ngunicorn\n", "app.py": _FLASK}),
    "django": ("django 1000\n", {"requirements.txt": "django\n", **_DJANGO}),
    "fastapi": (
        "fastapi 1000\n",
        {
            "pyproject.toml": '[project]\nname = "a"\nversion = "1"\ndependencies = ["fastapi"]\n',
            "main.py": _FASTAPI,
        },
    ),
    "uv": (
        "uv 1000\n",
        {
            "pyproject.toml": '[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.9"\n',
            "uv.lock": _UV_LOCK,
            "server.py": _python("uv"),
        },
    ),
    "pipenv": ("pipenv 1000\n", {"Pipfile": "[packages]\n", "server.py": _python("pipenv")}),
    "poetry": (
        "poetry 1000\n",
        {
            "pyproject.toml": "[tool.poetry]\npackage-mode = false\n[tool.poetry.dependencies]\n"
            'python = ">=3.9"\n',
            "server.py": _python("poetry"),
        },
    ),
    "procfile": (
        "procfile 1000\n",
        {
            "requirements.txt": "",
            "Procfile": "web: cd inner && python -u web.py # 'ours'\n",
            "inner/web.py": _python("procfile"),
        },
    ),
    "ruby": (
        "ruby 1000\n",
        {"Gemfile": 'gem "puma"\ngem "rack"\n', "config.ru": _RACK},
    ),
    "php": ("php 1000\n", {"index.php": '<?php echo "php ", posix_getuid(), "\\n";'}),
    "composer": (
        "composer 1000\n",
        {
            "composer.json": '{"autoload": {"files": ["src/kind.php"]}}',
            "src/kind.php": '<?php function kind() { return "composer "; }',
            "public/index.php": '<?php require "../vendor/autoload.php"; '
            'echo kind(), posix_getuid(), "\\n";',
        },
    ),
}
COMPILED_APPS: Mapping[str, tuple[str, Files]] = {
    "go": ("go 1000\n", {"go.mod": "module a\n\ngo 1.22\n", "main.go": _GO_SERVER}),
    "rust": (
        "rust 1000\n",
        {
            "Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n',
            "src/main.rs": _RUST_SERVER,
        },
    ),
    "maven": ("java 1000\n", {"pom.xml": _POM, "src/main/java/Main.java": _JAVA_SERVER}),
}


@contextlib.contextmanager
def base_images(docker: APIClient, packages: Sequence[str]) -> Iterator[BaseImages]:
    """Have an image of Debian's packages for all kinds; the first time makes it, in minutes."""
    name = f"prevs-recipes/debian-{os.getpid()}"
    made = [f"{name}-root:{len(packages)}", f"{name}:{len(packages)}"]
    try:
        docker.import_image_from_file(
            str(base_archive(packages)),
            repository=made[0].partition(":")[0],
            tag=str(len(packages)),
            changes=list(_ENVIRONMENT),
        )
        with TemporaryDirectory() as folder:
            _build(docker, Path(folder), made, has_python="python3-pip" in packages)
        yield images.parse(",".join(f"{kind}={made[1]}" for kind in images.DEFAULTS))
    finally:
        for tag in reversed(made):
            remove_image(docker, tag)


def _build(docker: APIClient, folder: Path, tags: Sequence[str], *, has_python: bool) -> None:
    """Add to an image what stands for the registries: wheels, and Maven's settings."""
    (folder / "wheels").mkdir()
    if has_python:
        command = (sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:")
        python = f"--python-version={_PYTHON}"
        subprocess.run([*command, python, "--dest", str(folder / "wheels"), *_WHEELS], check=True)
    (folder / "settings.xml").write_text(_MAVEN)
    lines = (f"FROM {tags[0]}", "COPY wheels /wheels", "COPY settings.xml /etc/maven/")
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    said = list(docker.build(path=str(folder), tag=tags[1], decode=True, rm=True))
    assert not [one for one in said if "error" in one], said
