"""The steps of `.github/workflows`, as programs that also run by hand and in the tests."""
