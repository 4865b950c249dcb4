"""`make bench-stack`: Pulumi's time for many services, and the time of a switch, beside Argo Rollouts.

plan.py             what is measured: sizes, samples, switches
place.py            a node with everything that the benchmark needs
fakes.py            a second, faked node for large numbers of pods
services.py         the registry: one service that answers, any number of faked services
growth.py           previews and updates against the floor, from few services to many
floor.py            the floor: the same objects in a flat loop, the program in floor_program/
switches.py         switches under load, each with the last answer of the old version
argo.py             Argo Rollouts with the same pods behind the same proxy
verdicts.py         rows from raw samples, goals from ../goals.yaml
report.py           the page in docs, from the rows alone
"""
