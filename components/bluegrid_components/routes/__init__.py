"""A route to clusters, as an Ingress or an HTTPRoute."""
