"""Alembic's folder: `env.py` and one file per schema change. Run by `journal.connect`, never by hand."""
