"""The steps of `.github/workflows`, as programs that also run elsewhere, and in the tests."""
