"""A Python language host for a `pulumi` that came without one."""
