"""Parts of pod objects: settings, quantities, labels and annotations, autoscaler, network policy."""
