"""Import on use: from a component's ``"module:qualname"`` strings to its code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vicreg_core.errors import PluginError
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.guard import undisturbed

if TYPE_CHECKING:
    from pydantic import BaseModel


def load_target(component: Component) -> Callable[..., Any]:
    """The builder of a component; its signature is the one the component's spec class documents.

    Raises:
        PluginError: a required extra is missing, or the plugin is at fault: its module cannot be imported
            or lacks the name, or what the name stands for is not callable.
    """
    target: Callable[..., Any] = _resolve(component, component.target)
    if not callable(target):
        raise _bug(component, component.target, f"is a {type(target).__name__}, which cannot be called")
    return target


def load_config(component: Component) -> type[BaseModel] | None:
    """The pydantic model of a component's own recipe keys; ``None`` for a component without any.

    Raises:
        PluginError: as :func:`load_target`, or it is not a pydantic model.
    """
    if component.config is None:
        return None
    from pydantic import BaseModel

    config = _resolve(component, component.config)
    if not (inspect.isclass(config) and issubclass(config, BaseModel)):
        raise _bug(component, component.config, "is not a pydantic model")
    return config


def _resolve(component: Component, path: str) -> Any:
    module, _, qualname = path.partition(":")
    try:
        with undisturbed():
            return reduce(getattr, qualname.split("."), import_module(module))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if _root_of_missing(error) in component.missing:
            raise PluginError(component.missing_extra()) from error
        raise _bug(component, path, f"cannot be imported: {type(error).__name__}: {error}") from error


def _root_of_missing(error: BaseException) -> str | None:
    return error.name.partition(".")[0] if isinstance(error, ModuleNotFoundError) and error.name else None


def _bug(component: Component, path: str, what: str) -> PluginError:
    return PluginError(
        f"a bug in {component.distribution}: {path!r} of {component.kind} {component.name!r} {what}"
    )
