"""Routes to clusters, as Ingresses or HTTPRoutes."""
