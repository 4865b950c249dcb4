"""A tour on one machine: 186 models of a real network, from training to answers, and a damaged byte.

    line_loading/   trains the models
    predictions     requests to every model, compared with the answers of the training
    faults          flips a byte in a store
    scenario        the steps, each by the commands that a user types

The demo on Kubernetes (`tools/demo`) uses the same models, requests and faults.
"""
