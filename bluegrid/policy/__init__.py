"""The rules of `previews` as a policy pack of Pulumi's: `pulumi up --policy-pack bluegrid/policy`."""
