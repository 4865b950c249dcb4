"""Spark pipelines answer as `PipelineModel.transform` does, whatever their stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyspark import SparkContext
from pyspark.ml import Pipeline
from pyspark.ml.classification import LinearSVC, LogisticRegression, NaiveBayes, OneVsRest
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import (
    IDF,
    PCA,
    Bucketizer,
    CountVectorizer,
    HashingTF,
    Imputer,
    IndexToString,
    MinMaxScaler,
    OneHotEncoder,
    QuantileDiscretizer,
    RFormula,
    SQLTransformer,
    StandardScaler,
    StringIndexer,
    Tokenizer,
    VectorAssembler,
    Word2Vec,
)
from pyspark.ml.recommendation import ALS
from pyspark.ml.regression import DecisionTreeRegressor, GBTRegressor, LinearRegression, RandomForestRegressor
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

from bluegrid_registry import ModelType
from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.spark.session import java, scala_object, session
from bluegrid_server.frameworks.supported import loader_of
from bluegrid_server.models.trial import try_out
from bluegrid_server.protocol.tensors import datatype_of
from tests.support.model_requests import infer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from subprocess import Popen

    from bluegrid_server.frameworks.model import Model

    Stages = Callable[[], Sequence[Any]]

# PySpark leaves pools of threads, of searches and OneVsRest, to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

COLUMNS = ["temperature", "load", "kind", "phase", "note", "state", "y"]
ROWS = [
    (
        float(number % 7),
        number % 5 + 0.5,
        "cable" if number % 2 else "overhead",
        number % 3,
        f"the {('red', 'blue', 'green')[number % 3]} line {number % 4}",
        "good" if number % 4 else "bad",
        float(number * 2 % 11 + 1),
    )
    for number in range(40)
]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """The session by which pods load pipelines; one JVM for all tests of this file."""
    found = session()
    yield found
    gateway = found.sparkContext._gateway
    found.stop()
    gateway.shutdown()
    # Java ends when its input does.
    process: Popen[bytes] = gateway.proc
    process.communicate(timeout=30)
    # Processes that are forked from this one would otherwise use the gateway.
    SparkContext._gateway = SparkContext._jvm = None
    for cached in (session, java, scala_object):
        cached.cache_clear()


@pytest.fixture(scope="module")
def table(spark: Any) -> Any:
    return spark.createDataFrame(ROWS, COLUMNS).coalesce(1)


def assembled(*columns: str, to: str = "features", **options: Any) -> VectorAssembler:
    return VectorAssembler(inputCols=list(columns), outputCol=to, **options)


def indexed(column: str, to: str, **options: Any) -> StringIndexer:
    return StringIndexer(inputCol=column, outputCol=to, **options)


def saved(pipeline: Any, folder: Path) -> Model:
    """Load a pipeline as a pod does."""
    pipeline.write().save(folder.as_uri())
    model = loader_of(ModelType.parse("spark/spark"))(folder)
    assert try_out(model) is None
    return model


_DATATYPES = {str: "BYTES", int: "INT64", bool: "BOOL"}


def tensor(name: str, values: Sequence[Any]) -> dict[str, Any]:
    datatype = _DATATYPES.get(type(values[0]), "FP64")
    return {"name": name, "shape": [len(values), 1], "datatype": datatype, "data": list(values)}


def answers(model: Model, rows: Sequence[dict[str, Any]], *names: str) -> dict[str, Any]:
    """Ask a model for rows by their columns; return arrays of the shapes that it gives."""
    columns = [name for spec in model.inputs for name in (spec.columns or (spec.name,))]
    document: dict[str, Any] = {"inputs": [tensor(name, [row[name] for row in rows]) for name in columns]}
    if names:
        document["outputs"] = [{"name": name} for name in names]
    found = infer(model, document)
    assert "outputs" in found, found
    return {output["name"]: np.reshape(output["data"], output["shape"]) for output in found["outputs"]}


def refusal(model: Model, row: dict[str, Any]) -> str:
    inputs = [tensor(spec.name, [row[spec.name]]) for spec in model.inputs]
    found: str = infer(model, {"inputs": inputs})["error"]
    return found


def plain(value: Any) -> Any:
    return value.toArray() if hasattr(value, "toArray") else value


def agrees(pipeline: Any, table: Any, folder: Path, columns: dict[str, str] | None = None) -> Model:
    """Compare every output of a pipeline with what Spark gives for the training data, to the bit.

    Args:
        pipeline: fitted.
        table: the training data.
        folder: for the model.
        columns: by output, the column of Spark's result, where the names differ.
    """
    model = saved(pipeline, folder)
    rows = [row.asDict() for row in table.limit(9).collect()]
    names = [spec.name for spec in model.outputs]
    for count in (1, len(rows)):
        got = answers(model, rows[:count], *names)
        expected = pipeline.transform(table.limit(count)).collect()
        for spec in model.outputs:
            wanted = [plain(row[(columns or {}).get(spec.name, spec.name)]) for row in expected]
            assert (
                datatype_of(got[spec.name].astype(object if spec.datatype == "BYTES" else float))
                == spec.datatype
            )
            np.testing.assert_array_equal(got[spec.name], wanted)
    return model


def evaluation(model: Model) -> str:
    found: str = model.parameters["spark"]  # type: ignore[attr-defined]
    return found


PIPELINES = [
    pytest.param(
        lambda: [
            indexed("kind", "k"),
            OneHotEncoder(inputCol="k", outputCol="v"),
            assembled("temperature", "v"),
            GBTRegressor(labelCol="y", maxIter=2),
        ],
        ["kind", "temperature"],
        id="words-first",
        marks=pytest.mark.served(
            "Spark", "`StringIndexer`, first or later, and `OneHotEncoder`: words as BYTES"
        ),
    ),
    pytest.param(
        lambda: [
            assembled("temperature", "load", to="numbers"),
            indexed("kind", "k"),
            assembled("numbers", "k"),
            LinearRegression(labelCol="y"),
        ],
        ["temperature", "load", "kind"],
        id="two-assemblers",
        marks=pytest.mark.served(
            "Spark", "several `VectorAssembler`, nested pipelines, the best model of a search"
        ),
    ),
    pytest.param(
        lambda: [
            Pipeline(stages=[indexed("kind", "k"), assembled("temperature", "k")]),
            LinearRegression(labelCol="y"),
        ],
        ["kind", "temperature"],
        id="nested",
    ),
    pytest.param(
        lambda: [
            assembled("temperature", "load"),
            CrossValidator(
                estimator=LinearRegression(labelCol="y"),
                estimatorParamMaps=ParamGridBuilder().build(),
                evaluator=RegressionEvaluator(labelCol="y"),
                numFolds=2,
            ),
        ],
        ["x"],
        id="search",
    ),
    pytest.param(
        lambda: [
            indexed("state", "label"),
            StringIndexer(inputCols=["kind", "phase"], outputCols=["k", "p"]),
            assembled("temperature", "k", "p"),
            LogisticRegression(maxIter=2),
        ],
        ["kind", "phase", "temperature"],
        id="label-of-words",
        marks=pytest.mark.served(
            "Spark",
            "stages that prepare the label are left out, and no label is an input; its words are the classes",
        ),
    ),
    pytest.param(
        lambda: [
            Imputer(inputCols=["temperature", "load"], outputCols=["t", "l"]),
            assembled("t", "l"),
            RandomForestRegressor(labelCol="y", numTrees=2),
        ],
        ["x"],
        id="imputer",
    ),
    pytest.param(
        lambda: [
            Bucketizer(inputCol="temperature", outputCol="t", splits=[-math.inf, 2, 4, math.inf]),
            QuantileDiscretizer(inputCol="load", outputCol="l", numBuckets=3),
            assembled("t", "l", to="buckets"),
            StandardScaler(inputCol="buckets", outputCol="scaled"),
            PCA(inputCol="scaled", outputCol="features", k=2),
            DecisionTreeRegressor(labelCol="y"),
        ],
        ["x"],
        id="buckets",
        marks=pytest.mark.served(
            "Spark", "`Imputer`, `Bucketizer`, `QuantileDiscretizer`, scalers, `PCA`, in any order"
        ),
    ),
    pytest.param(
        lambda: [RFormula(formula="y ~ temperature + kind + temperature:load"), LinearRegression()],
        ["kind", "temperature", "load"],
        id="formula",
        marks=pytest.mark.served("Spark", "`RFormula`"),
    ),
    pytest.param(
        lambda: [
            SQLTransformer(
                statement="SELECT *, temperature * load AS work, upper(note) AS loud, "
                "CASE WHEN kind = 'cable' THEN 1.0 ELSE 0.0 END AS c FROM __THIS__ WHERE load IS NOT NULL"
            ),
            indexed("loud", "n", handleInvalid="keep"),
            assembled("temperature", "work", "c", "n"),
            LinearRegression(labelCol="y"),
        ],
        ["temperature", "load", "note", "kind"],
        id="statement",
        marks=pytest.mark.served(
            "Spark", "`SQLTransformer`: the columns of its statement, as Spark resolves them"
        ),
    ),
    pytest.param(
        lambda: [
            Tokenizer(inputCol="note", outputCol="words"),
            HashingTF(inputCol="words", outputCol="counts", numFeatures=16),
            IDF(inputCol="counts", outputCol="weights"),
            CountVectorizer(inputCol="words", outputCol="vocabulary"),
            Word2Vec(inputCol="words", outputCol="meaning", vectorSize=2, minCount=0, maxIter=1),
            assembled("weights", "vocabulary", "meaning"),
            LinearRegression(labelCol="y", maxIter=2),
        ],
        ["note"],
        id="texts",
        marks=pytest.mark.served(
            "Spark", "texts: `Tokenizer`, `HashingTF`, `CountVectorizer`, `IDF`, `Word2Vec`"
        ),
    ),
    pytest.param(
        lambda: [assembled("temperature", "load", to="v"), MinMaxScaler(inputCol="v", outputCol="scaled")],
        ["x"],
        id="no-predictor",
        marks=pytest.mark.served("Spark", "pipelines without a predictor: what the last stage makes"),
    ),
    pytest.param(
        lambda: [
            indexed("state", "label"),
            assembled("temperature", "load"),
            OneVsRest(classifier=LinearSVC(maxIter=1)),
        ],
        ["x"],
        id="one-vs-rest",
    ),
]


@pytest.mark.parametrize(("stages", "inputs"), PIPELINES)
def test_every_output_of_a_pipeline_is_what_spark_gives_and_takes_no_job(
    table: Any, tmp_path: Path, stages: Stages, inputs: list[str]
) -> None:
    pipeline = Pipeline(stages=stages()).fit(table)
    model = agrees(pipeline, table, tmp_path / "m")
    assert [spec.name for spec in model.inputs] == inputs
    assert evaluation(model) == "local"


@pytest.mark.served(
    "Spark", "statements with columns of words, of truth values and of times, and with labels"
)
def test_a_statement_has_inputs_of_all_kinds_and_its_labels_are_none(table: Any, tmp_path: Path) -> None:
    table = table.selectExpr("*", "load > 2 AS open", "'2026-01-05 10:00:00' AS at")
    statement = """SELECT *, log(y) AS logarithm, CASE WHEN open THEN load ELSE 0 END AS flow,
        hour(at) AS hour, CASE kind WHEN 'cable' THEN 1 ELSE 0 END AS buried FROM __THIS__"""
    stages = [
        SQLTransformer(statement=statement),
        assembled("flow", "hour", "buried"),
        LinearRegression(labelCol="logarithm"),
    ]
    model = agrees(Pipeline(stages=stages).fit(table), table, tmp_path / "m")
    datatypes = {"open": "BOOL", "load": "FP64", "at": "BYTES", "kind": "BYTES"}
    assert {spec.name: spec.datatype for spec in model.inputs} == datatypes
    assert "logarithm" not in [spec.name for spec in model.outputs]


@pytest.mark.served("Spark", "missing words, where a stage keeps or skips them; labels in requests, ignored")
def test_missing_words_are_null_and_labels_have_no_effect(table: Any, tmp_path: Path) -> None:
    stages = [
        indexed("state", "label"),
        StringIndexer(inputCols=["kind", "phase"], outputCols=["k", "p"], handleInvalid="keep"),
        assembled("k", "p"),
        LogisticRegression(maxIter=2),
    ]
    pipeline = Pipeline(stages=stages).fit(table)
    model = saved(pipeline, tmp_path / "m")
    rows = table.sparkSession.createDataFrame([(None, 2), ("cable", 1)], "kind string, phase long")
    wanted = [row.prediction for row in pipeline.transform(rows).collect()]
    kind = {"name": "kind", "shape": [2], "datatype": "BYTES", "data": [None, "cable"]}
    state = {"name": "state", "shape": [2], "datatype": "BYTES", "data": ["good", "bad"]}
    for phase in ([2, 1], [2.0, 1.0], ["2", "1"]):
        found = infer(model, {"inputs": [kind, tensor("phase", phase), state]})
        assert found["outputs"][0]["data"] == wanted
    assert (
        "expected strings or integers"
        in infer(model, {"inputs": [kind, tensor("phase", [1.5, 2.0])]})["error"]
    )


def test_words_come_back_as_the_prediction(table: Any, tmp_path: Path) -> None:
    labels = indexed("state", "label").fit(table)
    stages = [
        labels,
        assembled("temperature", "load"),
        NaiveBayes(),
        IndexToString(inputCol="prediction", outputCol="words", labels=labels.labels),
    ]
    pipeline = Pipeline(stages=stages).fit(table)
    columns = {"prediction": "words", "index": "prediction"}
    model = agrees(pipeline, table, tmp_path / "m", columns)
    row = {"temperature": 1.0, "load": 2.0}
    assert list(answers(model, [row])) == ["prediction", "probability"]
    (prediction,) = answers(model, [row])["prediction"]
    assert prediction in ("good", "bad")
    assert {spec.name: spec.classes for spec in model.outputs}["probability"] == ("good", "bad")


@pytest.mark.served("Spark", "missing numbers: null, or NaN where a `Bucketizer` reads them; `handleInvalid`")
def test_missing_numbers_are_what_spark_makes_of_them(table: Any, tmp_path: Path) -> None:
    stages = [
        Imputer(inputCol="load", outputCol="l"),
        Bucketizer(
            inputCol="temperature", outputCol="t", splits=[-math.inf, 2, 4, math.inf], handleInvalid="keep"
        ),
        SQLTransformer(statement="SELECT *, coalesce(y, -1) AS filled FROM __THIS__"),
        assembled("l", "t", "filled"),
        LinearRegression(labelCol="y"),
    ]
    pipeline = Pipeline(stages=stages).fit(table)
    model = saved(pipeline, tmp_path / "m")
    missing = table.sparkSession.createDataFrame(
        [(None, math.nan, None)], "load double, temperature double, y double"
    )
    wanted = pipeline.transform(missing).collect()[0]
    got = answers(model, [{"load": None, "temperature": None, "y": None}], "l", "t", "filled", "prediction")
    assert [got[name][0] for name in got] == [wanted[name] for name in got]


@pytest.mark.served("Spark", 'rows that Spark skips (`handleInvalid="skip"`): null')
def test_rows_that_spark_skips_have_no_answer_and_the_others_keep_theirs(table: Any, tmp_path: Path) -> None:
    stages = [
        indexed("kind", "k", handleInvalid="skip"),
        assembled("temperature", "k", handleInvalid="skip"),
        LinearRegression(labelCol="y"),
    ]
    pipeline = Pipeline(stages=stages).fit(table)
    model = saved(pipeline, tmp_path / "m")
    kinds = ["cable", "unknown", "overhead"]
    got = answers(model, [{"kind": kind, "temperature": 2.0} for kind in kinds])["prediction"]
    rows = [(kind, 2.0) for kind in kinds]
    wanted = pipeline.transform(table.sparkSession.createDataFrame(rows, ["kind", "temperature"])).collect()
    assert [got[0], got[2]] == [row.prediction for row in wanted]
    assert got[1] is None


@pytest.mark.not_served(
    "Spark",
    "words that training did not have, where a stage refuses them",
    "400 in Spark's words; train with `handleInvalid` `keep` or `skip`",
)
def test_a_value_that_spark_refuses_is_the_fault_of_the_request(table: Any, tmp_path: Path) -> None:
    stages = [indexed("kind", "k"), assembled("temperature", "k"), LinearRegression(labelCol="y")]
    model = saved(Pipeline(stages=stages).fit(table), tmp_path / "m")
    assert refusal(model, {"kind": "unknown", "temperature": 1.0}) == (
        "Spark refuses these values: Unseen label: unknown. To handle unseen labels, set Param handleInvalid "
        "to keep."
    )
    assert "handleInvalid" in refusal(model, {"kind": "cable", "temperature": None})


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        pytest.param(
            lambda: [ALS(userCol="phase", itemCol="load", ratingCol="y", maxIter=1, rank=1)],
            "a job: its Join needs one",
            id="join",
        ),
        pytest.param(
            lambda: [
                SQLTransformer(
                    statement="SELECT *, load - (SELECT avg(load) FROM __THIS__) AS more FROM __THIS__"
                ),
                assembled("more"),
                LinearRegression(labelCol="y"),
            ],
            "a job: its Project needs one",
            id="subquery",
        ),
        pytest.param(
            lambda: [
                SQLTransformer(statement="SELECT *, year(now()) - 2000 AS year FROM __THIS__"),
                assembled("load", "year"),
                LinearRegression(labelCol="y"),
            ],
            "a job: its answers depend on the time of the request",
            id="time",
        ),
    ],
)
@pytest.mark.served(
    "Spark",
    "`ALS`, subqueries, aggregates and times in statements: a Spark job a request, as the metadata says",
)
def test_a_pipeline_without_a_local_form_is_a_job_and_says_so(
    table: Any, tmp_path: Path, stages: Stages, reason: str
) -> None:
    table = table.withColumn("load", table.load.cast("int"))
    model = agrees(Pipeline(stages=stages()).fit(table), table, tmp_path / "m")
    assert evaluation(model) == reason


@pytest.mark.not_served(
    "Spark", "columns of lists of words", "begin the pipeline with the `Tokenizer` that makes them"
)
def test_a_pipeline_of_lists_is_refused(table: Any, tmp_path: Path) -> None:
    tokenizer = Tokenizer(inputCol="note", outputCol="words")
    pipeline = Pipeline(stages=[HashingTF(inputCol="words", outputCol="v")]).fit(tokenizer.transform(table))
    with pytest.raises(ModelError, match="takes lists of words: HashingTF reads 'words'; begin the pipeline"):
        saved(pipeline, tmp_path / "m")
