"""`make bench-stack`: what Pulumi takes for many services, how fast a switch is, Argo Rollouts beside it.

plan.py             what is measured: sizes, samples, switches
place.py            a node with all that is needed on it
fakes.py            a second node that is faked, for numbers of pods
services.py         the registry: one service that answers, any number that only exist
growth.py           previews and updates against the floor, from few services to many
floor.py            the floor: the same objects in a flat loop, the program in floor_program/
switches.py         switches under load, each with the last answer of the old version
argo.py             Argo Rollouts with the same pods behind the same proxy
verdicts.py         rows from raw samples, goals from ../goals.yaml
report.py           the page in docs, from the rows alone
"""
