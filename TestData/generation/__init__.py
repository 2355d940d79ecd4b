"""The parts of ``TestData/generate.py``; ``golden`` and ``samples`` also serve ``Tests/Oracle``."""
