"""The terminal's screen: a process that follows a run's socket, folds its records, and draws them.

`watched.py` holds what is known, `pictures.py` and `listings*.py` turn that into text and rows (pure, without
Textual), `table.py`, `panes.py`, `dialogs.py`, `main_screen.py` and `app.py` put it on the terminal.
"""
