"""What a check has found, as the API shows it. Pure."""

import posixpath
from collections.abc import Iterator

from framework.apps import effective_settings
from framework.apps.description import LOOKED_FOR, Checked, Description, NotDescribed, Note
from framework.http_api.checks import check_models as models
from prevs.commit_settings import CommitSettings
from prevs.companions import APPLICATION, Companion
from prevs.containers import BuildSettings
from prevs.records import AppRecord


def show_check(app: AppRecord, sha: str, checked: Checked) -> models.Check:
    """Return what a check of a commit has found; `app` is what it was checked as."""
    found = checked.description
    return models.Check(
        sha=sha,
        runs=found is not None and not checked.mistakes,
        plan=_show_plan(app, found) if found else None,
        unrecognised=_show_unknown(checked.unknown) if checked.unknown else None,
        mistakes=list(map(_show_note, checked.mistakes)),
        notes=list(map(_show_note, checked.notes)),
    )


def _show_note(note: Note) -> models.CheckedNote:
    return models.CheckedNote(message=note.message, file=note.file, line=note.line)


def _show_unknown(error: NotDescribed) -> models.Unrecognised:
    return models.Unrecognised(
        why=error.why,
        looked_for=list(LOOKED_FOR),
        found=list(error.found),
        near=list(error.near),
        ways=list(error.ways),
    )


def _show_plan(app: AppRecord, found: Description) -> models.Plan:
    settings = found.manifest.settings
    wanted, run = effective_settings.resolve(app, settings), settings.run
    recipe = found.recipe
    return models.Plan(
        source=settings.source or _place(app, settings.build.dockerfile),
        recipe=models.CheckedRecipe(name=recipe.name, why=list(recipe.why), dockerfile=recipe.text)
        if recipe
        else None,
        port=wanted.port,
        health=wanted.health,
        start_limit=wanted.start_limit,
        cpus=wanted.cpus,
        mem=wanted.mem,
        containers=[
            _show_application(app, settings, wanted.port),
            *_show_companions(app, settings),
        ],
        hooks=[list(words) for words in (*run.hooks, *run.release, *run.seed_hooks)],
        watch=list(settings.watch),
    )


def _show_application(
    app: AppRecord, settings: CommitSettings, port: int
) -> models.CheckedContainer:
    run, build = settings.run, settings.build
    cpus, mem = effective_settings.own_resources(app, settings)
    return models.CheckedContainer(
        name=APPLICATION,
        image=run.image,
        dockerfile="" if run.image else _dockerfile(app, build),
        target="" if run.image else build.target,
        command=list(run.command),
        port=port,
        cpus=cpus,
        mem=mem,
        volumes=[*run.volumes, *run.container.shared],
        once=False,
    )


def _show_companions(app: AppRecord, settings: CommitSettings) -> Iterator[models.CheckedContainer]:
    for one in settings.run.companions:
        build = _find_build(settings, one)
        yield models.CheckedContainer(
            name=one.name,
            image=one.image if build is None else "",
            dockerfile=_dockerfile(app, build) if build else "",
            target=(one.target or build.target) if build else "",
            command=list(one.command),
            port=one.port or None,
            cpus=one.cpus,
            mem=one.mem,
            volumes=[*one.volumes, *one.container.shared],
            once=one.once,
        )


def _find_build(settings: CommitSettings, one: Companion) -> BuildSettings | None:
    """Return how a companion's image is built: as its own, or as the application's."""
    if one.image:
        return None
    return one.build or settings.build


def _dockerfile(app: AppRecord, build: BuildSettings) -> str:
    return "" if build.text else _place(app, build.dockerfile)


def _place(app: AppRecord, path: str) -> str:
    return posixpath.normpath(posixpath.join(app.folder, path))
