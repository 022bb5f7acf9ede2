"""The dashboard's server: a viewer of one run, and the source of what any number of browsers see.

A process of its own. It follows the run's socket (`link`), folds and remembers what it hears (`hub`,
`history`), and passes the records on to browsers as they are (`browser`). `gate` stands before everything:
it decides who may ask at all.
"""
