"""What is known of images by their names: what they are for, and what they need. Pure."""

import re

_LEAST_MEM = 128
_NEEDS = {
    "mysql": 512,
    "mariadb": 256,
    "postgres": 256,
    "postgis": 256,
    "timescaledb": 256,
    "mongo": 512,
    "elasticsearch": 1024,
    "opensearch": 1024,
    "cassandra": 1536,
    "kafka": 1024,
    "clickhouse": 1024,
    "keycloak": 768,
    "rabbitmq": 256,
    "minio": 256,
    "mssql": 2048,
    "solr": 768,
    "sonarqube": 2048,
    "gitea": 256,
    "grafana": 256,
    "prometheus": 256,
    "wordpress": 256,
    "nextcloud": 512,
}
"""MB for an image whose repository's last part has one of these in it."""


_DATABASES = frozenset(
    [
        *("activemq", "aerospike", "arangodb", "artemis", "beanstalkd", "cassandra"),
        *("clickhouse", "cockroach", "cockroachdb", "couchdb", "cratedb", "dgraph"),
        *("dragonfly", "dynamodb", "elasticsearch", "emqx", "etcd", "ferretdb"),
        *("firebird", "foundationdb", "hazelcast", "influxdb", "kafka", "keydb"),
        *("kvrocks", "logstash", "manticore", "mariadb", "meilisearch", "memcached"),
        *("milvus", "mongo", "mongodb", "mosquitto", "mssql", "mysql", "nats", "neo4j"),
        *("nsq", "opensearch", "oracle", "orientdb", "percona", "pgbouncer", "pgpool"),
        *("pgvecto", "pgvector", "pgvectors", "postgis", "postgres", "postgresql"),
        *("pulsar", "qdrant", "questdb", "rabbitmq", "redis", "redpanda", "rethinkdb"),
        *("rqlite", "scylla", "scylladb", "solr", "sphinxsearch", "surrealdb"),
        *("timescaledb", "typesense", "valkey", "vectorchord", "vernemq", "vespa"),
        *("victoriametrics", "weaviate", "yugabyte", "zookeeper"),
    ]
)
"""Databases, caches, brokers and search engines, as a word of an image's name."""
_TOOLS = frozenset(
    [
        *("admin", "backup", "browser", "commander", "console", "dashboard", "exporter"),
        *("express", "gui", "insight", "ui", "web"),
    ]
)
"""Words of an image that is a page, a program or a task for one of them."""
_DOCKER_PROXIES = frozenset(
    [
        *("traefik", "nginx-proxy", "nginx-proxy-manager", "docker-gen"),
        *("acme-companion", "caddy-docker-proxy", "letsencrypt-nginx-proxy-companion"),
        *("docker-letsencrypt-nginx-proxy-companion",),
    ]
)
_BETWEEN = re.compile(r"[-_.]+")
_DIGITS = "0123456789"


def is_database(image: str) -> bool:
    """Return whether an image is known as one that other services ask, and no visitor."""
    path = _find_path(image)
    if path.endswith(("mssql/server", "azure-sql-edge")):
        return True
    name = path.rpartition("/")[2]
    words = {one.rstrip(_DIGITS) for one in _BETWEEN.split(name)}
    return bool(words & _DATABASES) and not words & _TOOLS


def finds_services(image: str) -> bool:
    """Return whether an image is a proxy that asks Docker which services there are."""
    return _find_path(image).rpartition("/")[2] in _DOCKER_PROXIES


def memory_of(image: str) -> int:
    """Return the MB that a container of an image needs, as far as that is known."""
    path = _find_path(image)
    name = "mssql" if path.endswith("mssql/server") else path.rpartition("/")[2]
    return next((mem for part, mem in _NEEDS.items() if part in name), _LEAST_MEM)


def _find_path(image: str) -> str:
    """Return an image's name without tag and digest."""
    whole = image.partition("@")[0].lower()
    folder, sign, name = whole.rpartition("/")
    return f"{folder}{sign}{name.partition(':')[0]}"
