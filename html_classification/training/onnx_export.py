"""A classifier as an ONNX graph: the fields of pages in, probabilities out, for programs that have no Python.

Belongs here: how terms are counted and weighted in ONNX, so that it says what scikit-learn says. Does not belong here:
what comes before, from HTML to fields, which stays Python (`inference`), and where models are kept (`tracking`).

skl2onnx converts the classifiers. Its converters of text are not used, as each of these would give other probabilities:
for `sublinear_tf` it takes log(1 + n), where scikit-learn takes 1 + log n; it takes a pair of words for one word where
not both are terms themselves; and it makes letters small by the machine's locale, which knows other letters than
Python does, and fails where that locale is not installed. Numbers are doubles throughout, as in scikit-learn.
"""

import re
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

from html_classification.training.errors import TrainingError
from html_classification.training.features import FIELDS

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    from html_classification.training.fitting import Classifier

#: Names of the graph's outputs: the most probable category, and an array of shape (pages, categories).
OUTPUTS = ("category", "probabilities")
_INSTALL = "ONNX needs further packages: pip install 'html-classification[onnx]'"
_MICROSOFT = "com.microsoft"  # ONNX itself has no operator that finds words; ONNX Runtime has
_OPSETS = {"": 18, "ai.onnx.ml": 3, _MICROSOFT: 1}
_IR_VERSION = 9
_TINY = 1e-300  # the length of a row without terms, which nothing is divided by


def export(classifier: "Classifier") -> bytes:
    """Write a classifier as an ONNX graph.

    The graph has an input of shape (pages, 1) for each of `features.FIELDS`: the columns of `features.field_matrix`,
    which are in lower case. Its outputs are `OUTPUTS`; the categories in the order of the array stand in the graph's
    metadata as `classes`, one a line.

    Args:
        classifier: A fitted classifier.

    Returns:
        The bytes of the model file, the same for the same classifier. Only ONNX Runtime has the operator of words.

    Raises:
        TrainingError: If skl2onnx is not installed, or ONNX cannot do what a part of the classifier does.
    """
    try:
        import onnx
        from onnx import compose
    except ImportError as error:
        raise TrainingError(_INSTALL) from error
    pipeline = classifier.portable()
    features, width = _features(pipeline["features"])
    judged = _judged(pipeline["classifier"], width)
    whole = compose.merge_models(
        onnx.helper.make_model(features, opset_imports=_opsets(), ir_version=_IR_VERSION),
        judged,
        io_map=[("features", "features")],
    )
    whole.producer_name = "html-classification"
    onnx.helper.set_model_props(whole, {"classes": "\n".join(classifier.classes)})
    return bytes(whole.SerializeToString(deterministic=True))


def _judged(classifier: Any, width: int) -> "ModelProto":
    """What the classifier makes of features, by skl2onnx."""
    import onnx

    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType
    except ImportError as error:
        raise TrainingError(_INSTALL) from error
    opsets = {name: version for name, version in _OPSETS.items() if name != _MICROSOFT}
    try:
        model: onnx.ModelProto = convert_sklearn(
            classifier,
            name="classifier",
            initial_types=[("features", DoubleTensorType([None, width]))],
            options={id(classifier): {"zipmap": False}},
            target_opset=opsets,
        )
    except (NotImplementedError, RuntimeError) as error:  # what skl2onnx raises, its own errors included
        line = str(error).strip().partition("\n")[0]
        raise TrainingError(f"{type(classifier).__name__} cannot be written as ONNX: {line}") from error
    del model.opset_import[:]
    model.opset_import.extend(_opsets())
    model.ir_version = _IR_VERSION
    for output, name in zip(model.graph.output, OUTPUTS, strict=True):
        for node in model.graph.node:
            node.output[:] = [name if each == output.name else each for each in node.output]
            node.input[:] = [name if each == output.name else each for each in node.input]
        output.name = name
    return model


def _opsets() -> list[Any]:
    from onnx import helper

    return [helper.make_opsetid(name, version) for name, version in _OPSETS.items()]


def _features(whole: Any) -> tuple["GraphProto", int]:
    """The graph of a `ColumnTransformer` of counted and weighted terms, and how many features it has."""
    from onnx import TensorProto, helper

    graph = _Graph()
    width = 0
    groups = []
    for name, steps, column in whole.transformers_:
        counts = _counts(graph, FIELDS[column], steps["terms"])
        weighted = _weights(graph, counts, steps["tfidf"])
        groups.append(graph.add("Mul", weighted, float((whole.transformer_weights or {}).get(name, 1))))
        width += len(steps["terms"].get_feature_names_out())
    graph.nodes.append(helper.make_node("Concat", groups, ["features"], name="features", axis=1))
    made = helper.make_graph(
        graph.nodes,
        "features",
        [helper.make_tensor_value_info(name, TensorProto.STRING, [None, 1]) for name in FIELDS],
        [helper.make_tensor_value_info("features", TensorProto.DOUBLE, [None, width])],
        graph.constants,
    )
    return made, width


class _Graph:
    """Operators and constants, each with a name of its own."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Add an operator; inputs that are no names become constants. The name of its output."""
        from onnx import helper

        name = f"{kind.lower()}_{len(self.nodes)}"
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        self.nodes.append(helper.make_node(kind, names, [name], name=name, domain=domain, **attributes))
        return name

    def _constant(self, value: Any) -> str:
        import numpy as np
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def _counts(graph: _Graph, field: str, vectorizer: "CountVectorizer") -> str:
    """How often each term is in each text."""
    from onnx import TensorProto

    texts = graph.add("Reshape", field, [-1])
    if vectorizer.lowercase:
        raise TrainingError("letters cannot be made small in ONNX as Python does: give the vectorizer lowercase=False")
    names = vectorizer.get_feature_names_out().tolist()
    if vectorizer.analyzer == "word":
        terms, token = [tuple(name.split(" ")) for name in names], _re2(vectorizer.token_pattern)
    elif vectorizer.analyzer == "char":  # several white spaces in a row, which addresses do not have, would be one
        terms, token = [tuple(name) for name in names], "(?s)."
    else:
        raise TrainingError(f"analyzer {vectorizer.analyzer!r} cannot be written as ONNX: take 'word' or 'char'")
    tokens = graph.add(
        "Tokenizer", texts, domain=_MICROSOFT, tokenexp=token, mark=0, mincharnum=1, pad_value=_no_token(terms)
    )
    shortest, longest = vectorizer.ngram_range
    by_length = [[(term, column) for column, term in enumerate(terms) if len(term) == n] for n in range(1, longest + 1)]
    lengths = [0, *(n * len(some) for n, some in enumerate(by_length, 1))]
    counts = graph.add(
        "TfIdfVectorizer",
        tokens,
        mode="TF",
        min_gram_length=shortest,
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=list(accumulate(lengths[:-1])),
        ngram_indexes=[column for some in by_length for _, column in some],
        pool_strings=[token for some in by_length for term, _ in some for token in term],
    )
    return graph.add("Cast", counts, to=TensorProto.DOUBLE)


def _weights(graph: _Graph, counts: str, tfidf: "TfidfTransformer") -> str:
    """What a `TfidfTransformer` makes of counts: 1 + log n where it is sublinear; idf; rows of length 1."""
    values = counts
    if tfidf.sublinear_tf:
        logarithm = graph.add("Log", graph.add("Max", values, 1.0))
        values = graph.add("Add", logarithm, graph.add("Min", values, 1.0))
    if tfidf.use_idf:
        values = graph.add("Mul", values, tfidf.idf_)
    if tfidf.norm != "l2":
        raise TrainingError(f"TF-IDF with norm {tfidf.norm!r} cannot be written as ONNX: take 'l2'")
    length = graph.add("ReduceL2", values, [1], keepdims=1)
    return graph.add("Div", values, graph.add("Max", length, _TINY))


def _re2(pattern: str) -> str:
    r"""A regular expression as RE2 writes it, which knows `\x{3041}` instead of `\u3041`.

    >>> print(_re2(r"[\u3041-\u3096]|[^\x00-\x2f]{2,30}"))
    [\x{3041}-\x{3096}]|[^\x00-\x2f]{2,30}
    """
    return re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", pattern)


def _no_token(terms: list[tuple[str, ...]]) -> str:
    """What fills up texts with fewer tokens than others: in no term, so that it never counts."""
    tokens = {token for term in terms for token in term}
    return next(filler for filler in ("#" * number for number in count(1)) if filler not in tokens)
