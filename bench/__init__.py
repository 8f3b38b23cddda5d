"""What is measured: `python -m bench` prints this program beside its yardsticks, in one run."""
