"""Side-by-side timings against other tools; `python -m benchmarks` runs them all."""
