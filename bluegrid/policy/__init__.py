"""The rules of `previews` as a Pulumi policy pack: `pulumi up --policy-pack bluegrid/policy`."""
