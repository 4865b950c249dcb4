"""The command `bluegrid`, and what it does.

    cli/          the commands
    updates/      the update server, its page, and what it does by request and by the clock
    promotion/    a switch region by region, watched and taken back
    operations/   what runs, asked of Kubernetes
    policy/       the rules of previews as a policy pack
    project/      a user's project and its stacks: found, read
    previews/     from a plan of Pulumi's to a report and its rules

Each imports only what stands below it, and the registry (`bluegrid_registry`).
"""
