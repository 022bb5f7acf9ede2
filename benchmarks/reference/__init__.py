"""What a careful Python user would write by hand: the baselines of `benchmark_rust.py`."""
