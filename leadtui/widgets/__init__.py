"""Widgets that know nothing of the store: they are fed rows, values and functions."""
