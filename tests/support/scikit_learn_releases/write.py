"""Writes the models of one release of scikit-learn, and their answers, beside this file:

uv run --no-project --python 3.11 --with scikit-learn==1.3.2 --with 'numpy<2' python write.py
"""

# ruff: noqa: T201
from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).parent
RANDOM = np.random.RandomState(7)
X = RANDOM.uniform(0.1, 3.0, size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
WORDS = np.where(np.quantile(Y, 0.6) < Y, "trip", np.where(np.quantile(Y, 0.3) < Y, "ok", "fault"))


def logistic() -> LogisticRegression:
    return LogisticRegression(solver="liblinear")


MODELS = {
    "1.8.0": {"trees": (BaggingClassifier(DecisionTreeClassifier(max_depth=1), 2, random_state=0), WORDS)},
    "1.2.2": {"bayes": (GaussianNB(), WORDS)},
    "1.3.2": {"forest": (RandomForestClassifier(2, max_depth=2, random_state=0), WORDS)},
    "1.4.2": {"pls": (PLSRegression(2), Y)},
    "1.5.2": {
        "adaboost": (AdaBoostClassifier(n_estimators=2, random_state=0), WORDS),
        "splines": (make_pipeline(SplineTransformer(3), SVR()), Y),
    },
    "1.6.1": {"boosted": (HistGradientBoostingRegressor(max_iter=1), Y)},
    "1.7.2": {
        "search": (LogisticRegressionCV(cv=2, n_jobs=2), WORDS),
        "logistic": (logistic(), WORDS),
        "votes": (VotingClassifier([("a", logistic()), ("b", GaussianNB())], voting="soft"), WORDS),
        "imputer": (make_pipeline(SimpleImputer(), SVR()), Y),
    },
}

if __name__ == "__main__":
    release = sklearn.__version__
    answers = FOLDER / "answers.json"
    document = json.loads(answers.read_text()) if answers.exists() else {"rows": X[:5].tolist()}
    for name, (model, y) in MODELS[release].items():
        model.fit(X, y)
        joblib.dump(model, FOLDER / f"{name}-{release}.joblib")
        methods = [each for each in ("predict", "predict_proba") if hasattr(model, each)]
        document[name] = {each: getattr(model, each)(X[:5]).tolist() for each in methods}
        print(release, name)
    answers.write_text(f"{json.dumps(document, indent=1)}\n")
