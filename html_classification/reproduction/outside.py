"""What came from outside of the lake, as it was when a version was built.

Belongs here: what a stage's function takes besides the lake. Does not belong here: rebuilding (`rebuilding`).

The crawler's files come from the raw version itself, which keeps them; the label file from where it was or is now,
where it still has its SHA-1; answers from the label store, which keeps all of them.
"""

from dataclasses import dataclass
from typing import Any

from html_classification.assets.stage_asset import StageFunction
from html_classification.labeling.buying import Waiting
from html_classification.labeling.day_labels import ALL_BOUGHT
from html_classification.labeling.desk import LABEL_FILE, LabelDesk
from html_classification.labeling.label_file import read_label_file
from html_classification.lake import Lake, LakeError
from html_classification.lake.errors import StoreError
from html_classification.lake.metadata import Metadata, Source
from html_classification.lake.paths import VersionId
from html_classification.lake.store import Store
from html_classification.reproduction.provenance import Recorded
from html_classification.resources import CrawlDrops, LabelSource, Tracking, TrainingProcesses, WorkerProcesses


class GoneError(Exception):
    """What came from outside of the lake cannot be had again."""


@dataclass(frozen=True)
class _LabelsOfThen:
    """What the asset of labels takes: the lake's own label store, the label file of then, and nothing is bought."""

    store: Store
    label_file: str | None
    categories: tuple[str, ...]
    waiting: Waiting

    def desk(self, scratch: Store) -> LabelDesk:
        """Where its labels come from."""
        return LabelDesk(self.store, self.label_file, waiting=self.waiting)


class Outside:
    """What stages take from outside of the lake, for all versions that are rebuilt.

    Args:
        lake: The lake whose versions are rebuilt.
        copies: Where copies of what came from outside are put.
    """

    def __init__(self, lake: Lake, copies: Store) -> None:
        self.lake = lake
        self.copies = copies
        self.workers = WorkerProcesses()
        self._label_files: dict[str, str | GoneError] = {}  # by SHA-1 the copy, or why there is none

    def close(self) -> None:
        """End the processes."""
        self.workers.close()

    def resources(
        self, known: StageFunction, version: VersionId, recorded: Recorded, damaged: list[str]
    ) -> dict[str, Any]:
        """What a stage's function takes besides the lake, as it was then.

        Args:
            known: The stage's function.
            version: The version to rebuild.
            recorded: What is known of it.
            damaged: Those of its data files in the lake that are not what they were.

        Raises:
            GoneError: Something cannot be had again.
        """
        given: dict[str, Any] = {}
        outside = [source for source in recorded.metadata.sources if source.stage is None]
        for name in known.resources:
            if name == "crawl":
                given[name] = self._drop(version, recorded, outside, damaged)
            elif name == "label_source":
                file = self._label_file(outside) if any(one.description == LABEL_FILE for one in outside) else None
                categories = recorded.metadata.recipe["parameters"].get("categories", ())
                given[name] = _LabelsOfThen(self.lake.store, file, tuple(categories), _waiting(recorded.metadata))
            elif name == "workers":
                given[name] = self.workers
            elif name == "training_processes":
                given[name] = TrainingProcesses(count=0)  # one model at a time: in this process
            elif name == "tracking":  # is only asked by what is left out here
                given[name] = Tracking()
            else:
                message = f"what it got by {name} cannot be had again"
                raise GoneError(message)
        return given

    def _drop(self, version: VersionId, recorded: Recorded, outside: list[Source], damaged: list[str]) -> CrawlDrops:
        """A drop with the files that a raw version keeps, under the names that they had."""
        if recorded.gone or damaged:
            message = "the crawler's own files are gone"
            raise GoneError(message)
        root = f"drops/{version.version}"
        for file, source in zip(recorded.metadata.data_files, outside, strict=True):
            data = self.lake.store.get(f"{version.path}/{file.path}")
            try:  # their order counts, which is that of the names that they had
                self.copies.put_new(f"{root}/{version.day}/{source.uri.rpartition('/')[2]}", data)
            except (StoreError, ValueError):  # a name that a bucket takes and a disk does not
                self.copies.put_new(f"{root}/{version.day}/{file.path}", data)
        return CrawlDrops(uri=self.copies.uri(root))

    def _label_file(self, outside: list[Source]) -> str:
        """The label file of then: a copy, so that nobody changes it meanwhile."""
        source = next(one for one in outside if one.description == LABEL_FILE)
        uri, sha1 = source.uri, source.sha1 or ""
        if sha1 not in self._label_files:
            self._label_files[sha1] = self._copy_label_file(uri, sha1)
        copy = self._label_files[sha1]
        if isinstance(copy, GoneError):
            raise copy
        return copy

    def _copy_label_file(self, uri: str, sha1: str) -> "str | GoneError":
        found = []
        for address in dict.fromkeys((uri, LabelSource().address)):
            try:
                file = read_label_file(address)
            except LakeError as error:
                found.append(str(error))
                continue
            if file.sha1 == sha1:
                path = f"labels/{sha1}/{uri.rpartition('/')[2]}"
                self.copies.put_new(path, file.data)
                return self.copies.uri(path)
            found.append(f"{address} has the SHA-1 {file.sha1}")
        return GoneError(f"no label file with the SHA-1 {sha1} of then ({'; '.join(found)})")


def _waiting(metadata: Metadata) -> Waiting:
    """What waited for an answer when labels were made."""
    figures = next((check.figures for check in metadata.checks if check.name == ALL_BOUGHT), {})
    return Waiting(int(figures.get("waiting", 0)), str(figures.get("why", "")))
