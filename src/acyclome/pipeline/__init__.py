"""From options and files to a network: data, stages, sessions, commands."""
