"""Every setting has a description: the reference is generated from them."""

import re
from pathlib import Path

import click
import pytest
from pydantic.fields import FieldInfo

from executor.config import VARIABLES
from framework.http_api.models.app_models import AppSettings
from framework.settings import Settings as FrameworkSettings
from local.console.commands import up
from proxy.settings import Settings as ProxySettings

ROOT = Path(__file__).parents[3]
MODELS = (FrameworkSettings, ProxySettings, AppSettings)
FIELDS = [
    pytest.param(field, id=f"{model.__module__}.{name}")
    for model in MODELS
    for name, field in model.model_fields.items()
]


@pytest.mark.parametrize("field", FIELDS)
def test_every_setting_is_described_in_a_sentence(field: FieldInfo) -> None:
    assert field.description
    assert re.fullmatch(r"[A-Z].*\.", field.description)


def test_every_variable_that_an_executor_reads_is_described() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "executor").rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", sources))
    assert read == {variable.name for variable in VARIABLES}


def test_every_option_of_a_local_cluster_is_described() -> None:
    options = [param for param in up.params if isinstance(param, click.Option)]
    assert len(options) > 10
    assert [option.name for option in options if not option.help] == []
