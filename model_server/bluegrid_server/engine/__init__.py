"""From a request to its answer, in whichever process the models are."""
