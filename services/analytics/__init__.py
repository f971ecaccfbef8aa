"""Figures made of what has happened: provider dashboards and the marketplace's overview."""
