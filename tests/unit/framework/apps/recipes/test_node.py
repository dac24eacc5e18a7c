"""Recipes for a package.json: who installs it, what runs, and which pages are served."""

import pytest

from tests.unit.framework.apps.recipes.repositories import (
    Files,
    built_by,
    near,
    package,
    recipe,
)

START = package(scripts={"start": "node server.js"})
VITE = built_by("vite", "vite build")


@pytest.mark.parametrize(
    ("files", "name", "install"),
    [
        ({}, "Node with npm", "npm install"),
        ({"package-lock.json": "{}"}, "Node with npm", "npm ci"),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '6.0'"},
            "Node with pnpm",
            "pnpm install --frozen-lockfile",
        ),
        ({"yarn.lock": "# yarn lockfile v1"}, "Node with yarn", "yarn install --frozen-lockfile"),
        ({"yarn.lock": "__metadata:\n"}, "Node with yarn", "yarn install --immutable"),
        ({"bun.lock": "{}"}, "Bun", "bun install --frozen-lockfile"),
    ],
)
def test_the_lock_file_says_who_installs(files: Files, name: str, install: str) -> None:
    found = recipe({"package.json": START, **files})
    assert found.name == name
    assert install in found.text
    assert set(files) <= set(found.why)


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"pnpm-lock.yaml": "lockfileVersion: '6.0'"}, "npm install --global --force pnpm@8"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'"}, "npm install --global --force pnpm@9"),
        ({"yarn.lock": ""}, "npm install --global --force yarn@1.22.22"),
        ({"yarn.lock": "__metadata:"}, "npm install --global --force @yarnpkg/cli-dist@4.9.2"),
    ],
)
def test_a_tool_is_of_the_version_that_reads_the_lock_file(files: Files, line: str) -> None:
    assert line in recipe({"package.json": START, **files}).text


def test_the_field_package_manager_comes_before_a_lock_file() -> None:
    named = package(scripts={"start": "node x"}, packageManager="pnpm@10.4.1+sha512.ab")
    text = recipe({"package.json": named, "package-lock.json": "{}"}).text
    assert "pnpm@10.4.1\n" in text
    assert "npm ci" not in text


@pytest.mark.parametrize(
    ("manifest", "more"),
    [
        (package(scripts={"start": "x", "postinstall": "node make.js"}), {}),
        (package(scripts={"start": "x"}, workspaces=["a"]), {}),
        (package(scripts={"start": "x"}, dependencies={"a": "file:./a"}), {}),
        (START, {"pnpm-workspace.yaml": ""}),
    ],
)
def test_an_installation_that_may_read_more_has_all_files(manifest: str, more: Files) -> None:
    text = recipe({"package.json": manifest, **more}).text
    assert text.index("COPY --chown=1000:1000 . .") < text.index(" install")


def test_else_the_sources_come_after_the_packages() -> None:
    manifest = package(scripts={"start": "x", "prepare": "husky"})
    text = recipe({"package.json": manifest, ".npmrc": "", "patches/a.patch": ""}).text
    first = text.index("COPY --chown=1000:1000 package.json .npmrc ./\n")
    assert first < text.index("patches ./patches/") < text.index(" install") < text.index(". .")


@pytest.mark.parametrize(
    ("manifest", "files", "served"),
    [
        (VITE, {}, "/app/dist/"),
        (VITE, {"vite.config.ts": "build: { outDir: './public/made' }"}, "/app/public/made/"),
        (VITE, {"vite.config.js": "outDir: '../elsewhere'"}, "/app/dist/"),
        (built_by("react-scripts", "react-scripts build"), {}, "/app/build/"),
        (
            built_by("@angular/core", "ng build"),
            {
                "angular.json": package(
                    projects={
                        "shop": {"architect": {"build": {"builder": "@angular/build:application"}}}
                    }
                )
            },
            "/app/dist/shop/browser/",
        ),
        (built_by("next", "next build"), {"next.config.mjs": "output: 'export'"}, "/app/out/"),
        (built_by("astro", "astro build", start="astro dev"), {}, "/app/dist/"),
        (
            built_by("@sveltejs/kit", "vite build", dependencies={"@sveltejs/adapter-static": "3"}),
            {},
            "/app/build/",
        ),
        (built_by("gatsby", "gatsby build", start="gatsby develop"), {}, "/app/public/"),
        (built_by("@docusaurus/core", "docusaurus build"), {}, "/app/build/"),
        (built_by("@11ty/eleventy", "eleventy"), {}, "/app/_site/"),
        (built_by("nuxt", "nuxt generate"), {}, "/app/.output/public/"),
    ],
)
def test_pages_that_a_known_tool_builds_are_served(
    manifest: str, files: Files, served: str
) -> None:
    found = recipe({"package.json": manifest, **files})
    assert f"COPY --chown=1000:1000 --from=build {served} /srv/\n" in found.text
    assert found.text.rstrip().endswith('CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile"]')


@pytest.mark.parametrize(("tool", "answers"), [("vite", True), ("gatsby", False)])
def test_the_first_page_answers_each_path_where_the_browser_reads_it(
    tool: str, answers: bool
) -> None:
    assert ("/index.html' " in recipe({"package.json": built_by(tool, "x")}).text) is answers


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"package.json": START}, "exec npm run start"),
        (
            {"package.json": built_by("vite", "vite build", start="node server.js")},
            "exec npm run start",
        ),
        (
            {"package.json": built_by("next", "next build", start="next start")},
            'exec next start --hostname 0.0.0.0 --port "$PORT"',
        ),
        ({"package.json": built_by("nuxt", "nuxt build")}, "exec node .output/server/index.mjs"),
        (
            {"package.json": built_by("astro", "x", dependencies={"@astrojs/node": "9"})},
            "exec node dist/server/entry.mjs",
        ),
        (
            {
                "package.json": built_by(
                    "@sveltejs/kit", "x", dependencies={"@sveltejs/adapter-node": "5"}
                )
            },
            "exec node build",
        ),
        ({"package.json": "{}", "index.js": "app.listen(process.env.PORT)"}, "exec node index.js"),
        ({"package.json": "{}", "bun.lock": "", "server.js": "serve({})"}, "exec bun server.js"),
        ({"package.json": START, "Procfile": "web: node other.js"}, "exec node other.js"),
        ({"package.json": START, "Procfile": "web: cd a && node b.js\n"}, "cd a && node b.js"),
    ],
)
def test_a_server_runs(files: Files, command: str) -> None:
    assert recipe(files).command == command


@pytest.mark.parametrize(
    ("files", "port"),
    [
        ({"package.json": START, "server.js": "app.listen(3000)"}, 3000),
        ({"package.json": START, "server.js": "listen(process.env.PORT || 3000)"}, None),
        ({"package.json": package(scripts={"start": "serve --port 5000"})}, 5000),
        ({"package.json": package(scripts={"start": "serve -p $PORT"})}, None),
        ({"package.json": START, "Procfile": "web: serve -l 0.0.0.0:99999"}, None),
    ],
)
def test_a_port_that_is_not_taken_from_the_variable_is_found_and_told(
    files: Files, port: int | None
) -> None:
    found = recipe(files)
    assert found.port == port
    assert any(f"port {port}" in note for note in found.notes) is (port is not None)


@pytest.mark.parametrize(
    ("wanted", "image"),
    [
        ({"engines": {"node": ">=18"}}, "node:22-bookworm"),
        ({"engines": {"node": "^20.11.0"}}, "node:20-bookworm"),
        ({"engines": {"node": "18.x || 20.x"}}, "node:20-bookworm"),
        ({"engines": {"node": ">=24"}}, "node:24-bookworm"),
        ({"engines": {"node": "what"}}, "node:22-bookworm"),
        ({"volta": {"node": "18.20.1"}}, "node:18-bookworm"),
    ],
)
def test_the_version_of_node_is_one_that_the_repository_allows(
    wanted: dict[str, object], image: str
) -> None:
    manifest = package(scripts={"start": "node x"}, **wanted)
    assert f"FROM {image}\n" in recipe({"package.json": manifest}).text


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("{}", "package.json has no start script, no build script"),
        ("[", "package.json is there, and has no JSON object"),
        (package(scripts={"start": "vite"}), "only serves what a developer is writing"),
        (package(main="index.js"), "package.json has no start script"),
    ],
)
def test_what_nearly_fits_is_told(manifest: str, says: str) -> None:
    assert says in near({"package.json": manifest, "index.js": "module.exports = 1"})
