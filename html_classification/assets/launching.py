"""What people choose when they launch an asset: typed models as Dagster's launchpad shows them.

Belongs here: from a typed model to a config of Dagster's, and back. Does not belong here: the models themselves, which
stand where they are used, and the assets that take them.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import dagster as dg
from pydantic import BaseModel, Field, create_model

Model = TypeVar("Model", bound=BaseModel)


def as_config(name: str, description: str, fields: Mapping[str, tuple[type[BaseModel], str]]) -> type[dg.Config]:
    """A config of Dagster's with some typed models as its fields, so that the launchpad shows and explains each.

    Args:
        name: Its name.
        description: What it is for.
        fields: Type and description of each field; the default is what the type has without arguments.

    Returns:
        The config class. `chosen` makes of a field the model that it stands for.
    """
    definitions: dict[str, Any] = {}
    for field, (model, explanation) in fields.items():
        of_field: dict[str, Any] = {key: (info.annotation, info) for key, info in model.model_fields.items()}
        nested = create_model(f"{model.__name__}Config", __base__=dg.Config, __doc__=model.__doc__, **of_field)
        definitions[field] = (nested, Field(default=nested(), description=explanation))
    return create_model(name, __base__=dg.Config, __doc__=description, **definitions)


def chosen(config: dg.Config, field: str, model: type[Model]) -> Model:
    """What a person chose in a field of a config, as the typed model that it stands for."""
    return model.model_validate(getattr(config, field).model_dump())


def whole_config(model: type[BaseModel]) -> type[dg.Config]:
    """The config of a typed model all of whose fields are typed models themselves.

    Args:
        model: The model; its name and its description are those of the config.
    """
    fields = {
        name: (field.annotation, field.description or "")
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type)
    }
    return as_config(model.__name__, model.__doc__ or "", fields)
