"""The parts of `make_demo_recording.py`: the market's day, the frames, and who delivers what when."""
