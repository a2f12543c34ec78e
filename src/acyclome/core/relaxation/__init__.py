"""The continuous relaxation: one solver loop, schedules, steps."""
