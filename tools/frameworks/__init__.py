"""The table of what is served of each framework, made from the markers of the tests.

    rows.py        reads the rows from the tests, without running them
    table.py       the rows as the table of docs/guide/frameworks.md

A row is a marker on the test that proves the row, so there is no row without a test:

    @pytest.mark.served("XGBoost", "early stopping: the best iteration answers")
    @pytest.mark.not_served("Keras", "custom layers", "loading them runs their code; make a SavedModel")

The arguments are literals: a name of `rows.FRAMEWORKS`, what a user has (or asks for), and, if it is not
served, why, with the way out. A test may carry several rows; in a `parametrize`, `pytest.param(…, marks=…)`
carries its row. `python -m tools.frameworks` writes the page; a test fails while the page is out of date.
"""
