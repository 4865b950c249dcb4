"""The services of a region as a component of programs in other languages: YAML, TypeScript, Go.

schema.py             the package as Pulumi reads it, from the arguments of ModelServices
component.py          the component of the package, and what it keeps between updates
provider.py           constructs it: plain values in, resources, URLs out
server.py             `pulumi-resource-bluegrid`, which Pulumi starts
"""
