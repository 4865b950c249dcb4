"""`make bench-one-service`: what a change of one service costs among few and among many services.

build_before.py     the same stack as an earlier checkout's commands and program update it
previews.py         the preview of a pull request that changes one service
measure.py          switches and previews at each number of services
verdicts.py         rows from raw samples, goals from ../goals.yaml
report.py           the page in docs, from the rows alone

The node, the faked services and the switches under load are those of benchmarks/stack.
"""
