"""The tuples that are written for what may be chosen."""

from generator import choices
from generator.description import Schema

KIND: Schema = {"enum": ["", "branch", "tag"], "type": "string"}
STATE: Schema = {"enum": ["queued", "running"], "type": "string"}
ORDER: Schema = {
    "properties": {
        "scope": {"anyOf": [{"enum": ["read", "use"]}, {"type": "null"}]},
        "events": {"type": "array", "items": {"enum": ["pin", "job"], "type": "string"}},
        "forge": {"enum": ["github", "gitlab"], "x-open": True, "type": "string"},
        "unknown": {"enum": [400, 404]},
        "only": {"enum": ["one"]},
        "name": {"type": "string"},
    }
}


def test_each_query_and_order_has_its_words() -> None:
    refer = {"$ref": "#/components/schemas/Order"}
    state = {"anyOf": [{"$ref": "#/components/schemas/State"}, {"const": "active"}]}
    operation = {
        "operationId": "act_thing",
        "parameters": [
            {"name": "kind", "in": "query", "schema": KIND},
            {"name": "from", "in": "query", "schema": state},
            {"name": "app", "in": "path", "schema": STATE},
        ],
        "requestBody": {"content": {"application/json": {"schema": refer}}},
        "responses": {},
    }
    schemas = {"Order": ORDER, "State": STATE}
    described = {"paths": {"/v1/things": {"put": operation}}, "components": {"schemas": schemas}}
    assert choices.write(described).splitlines()[-4:] == [
        "ACT_THING_KIND = ('branch', 'tag')",
        "ACT_THING_FROM_ = ('queued', 'running', 'active')",
        "ACT_THING_SCOPE = ('read', 'use')",
        "ACT_THING_EVENTS = ('pin', 'job')",
    ]
