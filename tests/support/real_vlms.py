"""Real systems, opened once in a process: for tests that only read them. Whoever changes one opens it anew."""

from functools import cache

from vlmteach.backbones.real_vlms import open_vlm

opened = cache(open_vlm)
