"""Prometheus rules, monitors and a Grafana dashboard: files for people, which no code of bluegrid reads.

    files/rules.yaml       recording rules and alerts, a PrometheusRule
    files/podmonitor.yaml  how Prometheus finds the pods, a PodMonitor
    files/updates.yaml     how Prometheus finds the update server, a ScrapeConfig
    files/dashboard.json   a Grafana dashboard with every metric

docs/operations/observability.md says how to apply them, and what to do on each alert.
"""
