"""How a column of a stage is declared.

Belongs here: `column`, `StageModel` and the `Stage` record. Does not belong here: the columns of a
particular stage, which have one module each beside this one.

The declaration is the only place where a column's description, business meaning and tags are written.
Validation, Dagster's column schema, metadata.json and the data dictionary are all made from it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pandera.polars as pa
import polars as pl

from html_classification.schemas.described import Column

Layer = Literal["bronze", "silver", "gold", "training", "post-train"]

#: Microseconds since 1970 in UTC: the type of every timestamp in the lake.
UTC_TIMESTAMP = pl.Datetime("us", "UTC")
UtcTimestamp = Annotated[pl.Datetime, "us", "UTC"]


def column(description: str, meaning: str, *, tags: tuple[str, ...] = (), **checks: Any) -> Any:
    """Declare a column: what it holds, what it means to the business, and pandera's checks.

    Args:
        description: What the column holds, technically: one sentence.
        meaning: What it is used for, for someone who does not read code: one sentence.
        tags: Labels that follow the column, such as `pii` for personal data.
        **checks: What `pandera.polars.Field` takes: `nullable`, `unique`, `isin`, `ge`, `le`, …

    Returns:
        A pandera field.
    """
    return pa.Field(description=description, metadata={"business_meaning": meaning, "tags": list(tags)}, **checks)


class StageModel(pa.DataFrameModel):
    """The columns of a stage. All columns declared, none else, in the declared order."""

    class Config:
        """What holds for every stage."""

        strict = True
        ordered = True


def stage_name(name: str) -> str:
    """The name of a stage from its own or from that of its asset: what `Stage.asset_key` does, undone.

    >>> stage_name("preprocess/text_normalization_v1"), stage_name("post-train")
    ('preprocess/text-normalization/v1', 'post-train')
    """
    return re.sub(r"text-normalization-(?=v)", "text-normalization/", name.replace("_", "-"))


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline and its folder in the lake.

    Attributes:
        name: The folder in the lake, such as `preprocess/html-parsing`.
        layer: The medallion layer.
        title: A name for people.
        description: What it is, where it comes from, who uses it.
        model: The pandera model of its columns.
        code_version: Raised by a person when the stage's computation gives other results; part of each recipe.
        may_be_empty: Whether a day without rows is in order (labels may not be there yet).
        expendable: Whether a version may go one day, since it can be rebuilt: not what the crawler left, nor what was
            paid for.
    """

    name: str
    layer: Layer
    title: str
    description: str
    model: type[StageModel]
    code_version: str = "1"
    may_be_empty: bool = False
    expendable: bool = True

    @property
    def asset_key(self) -> list[str]:
        """The name as Dagster's asset key: by folders, with `-` written `_`, and a text version as one part.

        >>> Stage("preprocess/text-normalization/v1", "silver", "", "", StageModel).asset_key
        ['preprocess', 'text_normalization_v1']
        """
        name = re.sub(r"text-normalization/", "text-normalization-", self.name)
        return name.replace("-", "_").split("/")

    @property
    def columns(self) -> list[Column]:
        """The columns in order, with description, business meaning and tags."""
        schema = self.model.to_schema()
        return [
            Column(
                name=name,
                type=str(field.dtype),
                nullable=field.nullable,
                description=field.description or "",
                business_meaning=(field.metadata or {}).get("business_meaning", ""),
                tags=tuple((field.metadata or {}).get("tags", ())),
            )
            for name, field in schema.columns.items()
        ]

    @property
    def dtypes(self) -> Mapping[str, Any]:
        """Polars type of each column, in order: what an empty frame of this stage is made with."""
        return {name: field.dtype.type for name, field in self.model.to_schema().columns.items()}

    def empty(self) -> pl.DataFrame:
        """A frame of this stage without rows."""
        return pl.DataFrame(schema=dict(self.dtypes))
