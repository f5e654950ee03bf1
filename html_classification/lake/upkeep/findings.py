"""What a verification finds.

Belongs here: a finding in one line, and the report. Does not belong here: looking for them.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from html_classification.lake.errors import LakeError
from html_classification.lake.paths import VersionId
from html_classification.printable import printable

Kind = Literal[
    "file-missing",
    "file-damaged",
    "file-unlisted",
    "unreadable",
    "metadata",
    "recipe",
    "count",
    "source",
    "publication",
    "snapshot",
    "label-store",
    "removed",
    "leftover",
    "temporary",
    "stray",
]
#: What has to be mended; and what is in order, but worth knowing.
Severity = Literal["problem", "note"]


@dataclass(frozen=True, order=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        uri: Where.
        kind: What kind of thing.
        problem: What is wrong.
        advice: What to do.
        severity: Whether it has to be mended.
    """

    uri: str
    kind: Kind
    problem: str
    advice: str
    severity: Severity = "problem"

    def __str__(self) -> str:
        return printable(f"{self.severity}: {self.kind}: {self.uri}: {self.problem}; {self.advice}")

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


def problem_of(error: LakeError, uri: str) -> tuple[str, str]:
    """What an error about a file says is wrong, and what to do.

    >>> problem_of(LakeError("lake/x.json is not readable (line 1: no value): it is damaged; delete it"), "lake/x.json")
    ('is not readable (line 1: no value): it is damaged', 'delete it')
    """
    message = str(error).removeprefix(f"{uri} ")
    problem, _, advice = message.rpartition("; " if "; " in message else ": ")
    return problem, advice


def run_again(version: VersionId) -> str:
    """The command that writes a version again, where code and inputs are still those of then."""
    return f"'html-classification run --from {version.day} --to {version.day} --select {version.stage} --force'"


@dataclass(frozen=True)
class Report:
    """The outcome of a verification.

    Attributes:
        versions: How many complete versions there are.
        files: How many files they have, metadata.json not counted, or the label store has.
        bytes: How many bytes those have.
        findings: What is not as it should be, by address.
    """

    versions: int
    files: int
    bytes: int
    findings: Sequence[Finding]

    def __add__(self, other: "Report") -> "Report":
        """Both as one."""
        findings = sorted([*self.findings, *other.findings])
        return Report(self.versions + other.versions, self.files + other.files, self.bytes + other.bytes, findings)

    @property
    def problems(self) -> list[Finding]:
        """What has to be mended."""
        return [finding for finding in self.findings if finding.severity == "problem"]

    @property
    def notes(self) -> list[Finding]:
        """What is worth knowing."""
        return [finding for finding in self.findings if finding.severity == "note"]
