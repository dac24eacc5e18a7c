"""Java with Maven or Gradle."""

import re

from framework.apps.recipes import dockerfile_lines as lines
from framework.apps.recipes import listening
from framework.apps.recipes.images import BaseImages
from framework.apps.recipes.kinds.started import Started
from framework.apps.recipes.project import Project
from framework.apps.recipes.recipe import Recipe

LOOKED_FOR = ("pom.xml", "build.gradle", "build.gradle.kts")
_MAVEN_VERSION = re.compile(
    r"<(?:java\.version|maven\.compiler\.(?:release|source|target)|release|source)>\s*(?:1\.)?(\d+)"
)
_GRADLE_VERSION = re.compile(
    r"(?:JavaLanguageVersion\.of\(|JavaVersion\.VERSION_|jvmToolchain\()\s*(?:1[._])?(\d+)"
)
_MAVEN = "mvn --batch-mode -Dmaven.repo.local=/cache/maven -DskipTests package"
_LARGEST = (
    "ls -S {folders} 2>/dev/null | grep -v -e '-sources\\.' -e '-javadoc\\.' -e '-plain\\.' "
    "-e '/original-' | head -n 1"
)
_PORT = {
    "spring-boot": 'SERVER_PORT="$PORT"',
    "io.quarkus": 'QUARKUS_HTTP_HOST=0.0.0.0 QUARKUS_HTTP_PORT="$PORT"',
    "io.micronaut": 'MICRONAUT_SERVER_PORT="$PORT"',
}
_OPTIONS = "ENV JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75"
_NOTE = "A JVM of a framework needs about 512 MB: see `prevs app set APP --mem`."


def find(project: Project, images: BaseImages) -> Recipe | str | None:
    """Return the recipe of an application in Java, None if there is none."""
    if project.has("pom.xml"):
        return _by_maven(project, images)
    if file := project.first("build.gradle", "build.gradle.kts"):
        return _by_gradle(project, images, file)
    return None


def _by_maven(project: Project, images: BaseImages) -> Recipe:
    text = project.text("pom.xml")
    version = _find_version(_MAVEN_VERSION.search(text))
    started = _start(project, text, "pom.xml")
    if "io.quarkus" in text:
        kept = "cp -r target/quarkus-app/. /built && cp /built/quarkus-run.jar /built/app.jar"
    else:
        kept = _keep("target/*.jar target/*.war */target/*.jar")
    base = images.choose("maven", version)
    built = [lines.COPY_ALL, lines.run(f"{_MAVEN} && {kept}", "maven")]
    return _write(project, images, started, [*lines.begin(base.reference, stage="build"), *built])


def _by_gradle(project: Project, images: BaseImages, file: str) -> Recipe:
    """Use the repository's own Gradle, if it names one: versions differ much in what they read."""
    text = project.text(file)
    version = _find_version(_GRADLE_VERSION.search(text))
    own = project.has("gradlew") and project.has("gradle/wrapper/gradle-wrapper.properties")
    base = images.choose("java" if own else "gradle", version)
    tool = "sh gradlew" if own else "gradle"
    if "org.springframework.boot" in text:
        task, kept = "bootJar", _keep("build/libs/*.jar")
    elif "io.quarkus" in text:
        task, kept = (
            "build -x test",
            ("cp -r build/quarkus-app/. /built && cp /built/quarkus-run.jar /built/app.jar"),
        )
    elif re.search(r"\bshadow\b|com\.gradleup", text):
        task, kept = "shadowJar", _keep("build/libs/*.jar")
    elif re.search(r"[\"'(\s`]application\b", text):
        return _write_installed(project, images, base.reference, (tool, file))
    else:
        task, kept = "build -x test", _keep("build/libs/*.jar */build/libs/*.jar")
    built = [
        "ENV GRADLE_USER_HOME=/cache/gradle",
        lines.COPY_ALL,
        lines.run(f"{tool} --no-daemon {task} && {kept}", "gradle"),
    ]
    begun = [*lines.begin(base.reference, stage="build"), *built]
    return _write(project, images, _start(project, text, file), begun)


def _write_installed(
    project: Project, images: BaseImages, image: str, by: tuple[str, str]
) -> Recipe:
    """Return the recipe of Gradle's plugin `application`, which makes a script that starts it."""
    tool, file = by
    build = (
        f"{tool} --no-daemon installDist && cp -r build/install/*/. /built && "
        "ln -s $(basename $(ls /built/bin/* | grep -v '\\.bat$' | head -n 1)) /built/bin/run"
    )
    begun = [
        *lines.begin(image, stage="build"),
        "ENV GRADLE_USER_HOME=/cache/gradle",
        lines.COPY_ALL,
        lines.run(build, "gradle"),
    ]
    line = listening.find_web(project) or "exec sh /app/bin/run"
    by_file = "Procfile" if listening.find_web(project) else file
    started = Started(line, by_file, port=listening.port_of_command(line))
    return _write(project, images, started, begun)


def _keep(folders: str) -> str:
    """Return a command that takes the largest archive: the one with what it needs in it."""
    return f'cp "$({_LARGEST.format(folders=folders)})" /built/app.jar'


def _start(project: Project, text: str, file: str) -> Started:
    if line := listening.find_web(project):
        return Started(line, "Procfile", port=listening.port_of_command(line))
    told = [value for name, value in _PORT.items() if name in text]
    has_health = "spring-boot-starter-actuator" in text
    return Started(
        "".join(f"export {one}; " for one in told[:1]) + "exec java -jar /app/app.jar",
        file,
        health="/actuator/health" if has_health else None,
        notes=(_NOTE,) if told else (),
    )


def _write(project: Project, images: BaseImages, started: Started, build: list[str]) -> Recipe:
    tool = "Maven" if project.has("pom.xml") else "Gradle"
    if started.by == "Procfile":
        end = []
    else:
        version = _find_version(_version_match(project))
        end = [
            *lines.begin(images.choose("java", version).reference),
            lines.copy_built("/built/", "/app/"),
        ]
    return Recipe(
        kind="maven" if tool == "Maven" else "gradle",
        name=f"Java with {tool}",
        why=tuple(dict.fromkeys((started.by, *project.those(LOOKED_FOR)[:1]))),
        text=lines.write(*build, *end, _OPTIONS, lines.command(started.line)),
        command=started.line,
        port=started.port,
        health=started.health,
        notes=(*started.notes, *listening.told_port(started.port, started.by)),
    )


def _version_match(project: Project) -> re.Match[str] | None:
    if project.has("pom.xml"):
        return _MAVEN_VERSION.search(project.text("pom.xml"))
    file = project.first("build.gradle", "build.gradle.kts")
    return _GRADLE_VERSION.search(project.text(file))


def _find_version(match: re.Match[str] | None) -> str:
    """Return the oldest version of Java with long support that is enough, "" for the usual one."""
    wanted = int(match[1]) if match else 0
    return "25" if wanted > 21 else ""
