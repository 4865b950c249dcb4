"""Entry of the plugin where Pulumi runs this folder: `pulumi package add .../components`."""

from bluegrid_components.plugin.server import main

main()
