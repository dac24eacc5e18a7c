"""Recipes: Dockerfiles that prevs writes for repositories without one. Pure."""

from framework.apps.recipes.dockerfiles import Found, exposed_ports, find_dockerfile
from framework.apps.recipes.images import OFFICIAL, BaseImages
from framework.apps.recipes.recipe import NotRecognised, Recipe, settings
from framework.apps.recipes.recognise import recognise

__all__ = [
    "OFFICIAL",
    "BaseImages",
    "Found",
    "NotRecognised",
    "Recipe",
    "exposed_ports",
    "find_dockerfile",
    "recognise",
    "settings",
]
