from pathlib import Path

from local.cluster.programs import allow_proxy, executor_environ, framework_part, proxy_part
from local.settings import prepare

ENVIRON = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "https_proxy": "http://p",
    "PREVS_DISK_HIGH": "95",
    "SECRET": "s",
}


def test_the_framework_finds_the_master_in_zookeeper_and_keeps_its_token_in_a_file(
    tmp_path: Path,
) -> None:
    settings = prepare(tmp_path, {"zookeeper_port": 11, "api_port": 12, "port": 13})
    part = framework_part(settings, {"PREVS_CLUSTER": settings.cluster})
    assert part.environ["PREVS_MASTER"] == "zk://127.0.0.1:11/mesos"
    assert part.environ["PREVS_LISTEN"] == "127.0.0.1:12"
    assert part.environ["PREVS_PUBLIC_PORT"] == "13"
    assert part.environ["PREVS_CLUSTER"] == settings.cluster
    assert not any(settings.token_file.read_text() in value for value in part.environ.values())


def test_the_framework_ends_before_the_agents_do(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {"agents": 3})
    needs = framework_part(settings, {}).needs
    assert {"agent-1", "agent-2", "agent-3"} < set(needs)


def test_frameworks_share_neither_name_nor_address_nor_files(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {"frameworks": 2, "api_port": 12})
    first, second = (framework_part(settings, {}, number) for number in (1, 2))
    assert (first.name, second.name) == ("framework", "framework-2")
    assert second.environ["PREVS_LISTEN"] == "127.0.0.2:12"
    assert second.address == "http://127.0.0.2:12"
    assert first.log != second.log
    assert first.environ["PREVS_DIR"] != second.environ["PREVS_DIR"]
    assert first.environ["PREVS_ZOOKEEPER"] == second.environ["PREVS_ZOOKEEPER"]


def test_the_proxy_knows_every_framework_and_listens_on_loopback_only(tmp_path: Path) -> None:
    part = proxy_part(prepare(tmp_path, {"frameworks": 2, "api_port": 12, "port": 99}), {})
    assert part.environ["PREVS_API"] == "http://127.0.0.1:12,http://127.0.0.2:12"
    assert {"framework", "framework-2"} < set(part.needs)
    assert part.environ["PREVS_PROXY_LISTEN"] == "127.0.0.1:99"


def test_previews_reach_the_proxy_at_dockers_bridge_if_that_is_known(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {"port": 99})
    part = proxy_part(settings, {}, lambda: "172.20.0.1")
    assert part.late() == {"PREVS_PROXY_LISTEN": "127.0.0.1:99,172.20.0.1:99"}
    assert allow_proxy(settings, "172.20.0.1") == {"PREVS_ALLOW_PROXY": "172.20.0.1:99"}
    assert proxy_part(settings, {}).late() == allow_proxy(settings, None) == {}


def test_the_proxy_has_a_token_of_its_own_that_the_framework_takes(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {})
    framework, proxy = framework_part(settings, {}).environ, proxy_part(settings, {}).environ
    assert proxy["PREVS_TOKEN_FILE"] == framework["PREVS_PROXY_TOKEN_FILE"]
    assert not {str(settings.token_file), str(settings.key_file)} & {*proxy.values()}


def test_framework_and_proxy_have_their_identities_in_files(tmp_path: Path) -> None:
    settings = prepare(tmp_path, {})
    framework, proxy = framework_part(settings, {}).environ, proxy_part(settings, {}).environ
    assert framework["PREVS_ZOOKEEPER_AUTH_FILE"] == str(settings.zookeeper_auth_file)
    assert proxy["PREVS_ZOOKEEPER_AUTH_FILE"] == framework["PREVS_PROXY_ZOOKEEPER_AUTH_FILE"]
    assert str(settings.zookeeper_auth_file) not in proxy.values()
    assert framework["PREVS_PRINCIPAL"] != framework["PREVS_AGENTS_PRINCIPAL"]
    files = [framework["PREVS_SECRET_FILE"], framework["PREVS_AGENTS_SECRET_FILE"]]
    secrets = [Path(file).read_text().strip() for file in files]
    assert len(set(secrets)) == 2
    assert not any(secret in value for secret in secrets for value in framework.values())
    assert not any("PRINCIPAL" in name for name in proxy)


def test_executors_get_what_they_need_and_no_more_of_the_callers_environment(
    tmp_path: Path,
) -> None:
    settings = prepare(tmp_path, {})
    environ = executor_environ(settings, tmp_path / "agent-1", "unix:///d", ENVIRON)
    assert environ["DOCKER_HOST"] == "unix:///d"
    assert environ["PREVS_EXECUTOR_DIR"] == str(tmp_path / "agent-1" / "executor")
    assert environ["PREVS_CLUSTER"] == settings.cluster
    assert environ["https_proxy"] == "http://p"
    assert environ["PATH"].split(":")[0] == "/bin"
    assert environ["PREVS_DISK_HIGH"] == "95"
    assert "PYTHONPATH" not in environ
    assert "SECRET" not in environ
