"""A text version is a few lines in one file: docs/text-versions.md followed, and what comes of it by itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from html_classification.transforms.text import rules
from html_classification_tests.cli.command import environment
from html_classification_tests.pages import FIRST_DAY, REPOSITORY, Project

PAGE = (REPOSITORY / "docs" / "text-versions.md").read_text()
STAGE = "preprocess/text-normalization/v3"
MODEL = "models/given-v3-complement-nb"
RULES = ["remove punctuation", "lemmatize", "lowercase", "remove stop words", "fold white space"]
AT_INFERENCE = """
from html_classification.transforms.text.normalization import normalize_page
from html_classification.transforms.text.versions import TEXT_VERSIONS
print(normalize_page("The Children!", "They ate apples.", "en", TEXT_VERSIONS["v3"]))
"""


class Clone:
    """A copy of the package in which somebody added the version of the page, and a project beside it."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.days = self.project.write_days(4)
        source = root / "clone"
        shutil.copytree(REPOSITORY / "html_classification", source / "html_classification")
        shutil.copy(REPOSITORY / "dagster.yaml", source)
        (entry,) = re.findall(r"^    # lemmas.*?\n    v3=.*?\n", PAGE, re.DOTALL | re.MULTILINE)
        file = source / "html_classification" / "transforms" / "text" / "versions.py"
        code = file.read_text().replace(
            "    lemmatize_verbs,\n", "    lemmatize,\n    lemmatize_verbs,\n    remove_stop_words,\n"
        )
        file.write_text(
            code.replace("TEXT_VERSIONS: Final = _versions(\n", "TEXT_VERSIONS: Final = _versions(\n" + entry)
        )
        self.variables = environment(root, {"PYTHONPATH": str(source), "DAGSTER_HOME": str(source)})

    def python(self, *arguments: str) -> str:
        """What a process with this copy of the package prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project.root,
            env=self.variables,
            check=False,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Everything that the models of the third version need was run."""
    made = Clone(tmp_path_factory.mktemp("third"))
    command = "import sys; from html_classification.cli import main; sys.exit(main())"
    upstream = f'+key:"{MODEL.replace("-", "_")}"'
    made.python("-c", command, "run", "--from", str(FIRST_DAY), "--to", str(made.days[-1]), "--select", upstream)
    return made


def test_it_has_an_asset_with_rows_of_every_day(clone: Clone) -> None:
    assert clone.project.lake.scan(STAGE, clone.days[0], clone.days[-1]).collect().height == 4 * 12
    content = clone.project.lake.read(STAGE, clone.days[0])["content"].to_list()
    assert all(re.fullmatch(r"[\w ]+", text) and " the " not in text for text in content)


def test_its_metadata_says_what_was_done(clone: Clone) -> None:
    metadata = clone.project.lake.metadata(STAGE, clone.days[0])
    assert [step.step for step in metadata.process] == RULES
    parameters = {step.step: step.parameters for step in metadata.process}
    assert parameters["lemmatize"]["languages"] == ["de", "en", "es", "fr", "it"]
    assert {"simplemma", "stopwordsiso"} <= {name for step in metadata.process for name in step.parameters}


def test_it_has_models_of_its_own(clone: Clone) -> None:
    metadata = clone.project.lake.metadata(MODEL, clone.days[-1])
    assert STAGE in {source.stage for source in metadata.sources if hasattr(source, "stage")}
    assert clone.project.lake.read(MODEL, clone.days[-1]).height > 0
    keys = "from html_classification.definitions import defs\n"
    keys += "print([k.to_user_string() for k in defs.resolve_asset_graph().materializable_asset_keys])"
    listed = clone.python("-c", keys)
    for labels in ("given", "refined"):
        for algorithm in ("complement_nb", "logistic_regression"):
            assert f"'models/{labels}_v3_{algorithm}'" in listed


def test_a_page_at_inference_gets_the_same_rules(clone: Clone) -> None:
    assert clone.python("-c", AT_INFERENCE).strip() == "('child', 'eat apple')"


def rows_of_the_page() -> list[Any]:
    return re.findall(r"^\| `(\w+)` \| `(.*?)` \| `(.*?)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    ("rule", "text", "expected"), rows_of_the_page(), ids=lambda value: value if value.isidentifier() else ""
)
def test_the_examples_of_the_page(rule: str, text: str, expected: str) -> None:
    frame = pl.DataFrame({"content": [text], "language": ["en"]})
    for step in (getattr(rules, rule)(), rules.fold_white_space()):
        frame = step.apply(frame, ["content"])
    assert frame["content"].item() == expected


def test_the_page_names_every_rule() -> None:
    public = {
        name for name, value in vars(rules).items() if getattr(value, "__annotations__", {}).get("return") is rules.Rule
    }
    assert {name for name, _, _ in rows_of_the_page()} == {name for name in public if not name.startswith("_")}
