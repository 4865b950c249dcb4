"""Models that are sent to the update server are checked and stored as those of a push."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from bluegrid_registry import DeclaredSet, ModelType, Source, add_set
from tests.support.marker import NAME, mark
from tests.support.samples import joblib_bytes, ridge
from tests.support.updating import ended, upload

if TYPE_CHECKING:
    import httpx

    from tests.support.updating import Place


@pytest.fixture(autouse=True)
def pickles(place: Place) -> None:
    declared = DeclaredSet(
        id="g2",
        name="Line loading",
        task="regression",
        type=ModelType.parse("scikit-learn/joblib"),
        source=Source.PLATFORM,
    )
    add_set(place.registry, declared)


def test_a_compressed_pickle_is_stored_as_the_plain_one(client: httpx.Client) -> None:
    digests = []
    for version, compress in (("v1", 3), ("v2", ("xz", 6))):
        data = joblib_bytes(ridge(), compress=compress)
        body = {"version": version, "models": {"line-1": upload(client, data)}}
        update = ended(client, client.post("/modelSets/g2/updates", json=body))
        assert update["state"] == "done", update["error"]
        (model,) = client.get(f"/modelSets/g2/versions/{version}/models").json()
        digests.append(model["sha256"])
    assert digests[0] == digests[1]


def test_names_that_a_set_does_not_trust_end_the_update_with_all_of_them(client: httpx.Client) -> None:
    marked = joblib_bytes(make_pipeline(FunctionTransformer(mark), ridge()))
    models = {f"line-{number}": upload(client, data) for number, data in enumerate((marked, pickle.dumps(1)))}
    update = ended(client, client.post("/modelSets/g2/updates", json={"models": models}))
    assert update["state"] == "failed"
    assert update["error"] == (
        f"model line-0: names what is not trusted: {NAME}; build it without, "
        "or add that to the set's `trust` once it is known to be harmless"
    )
