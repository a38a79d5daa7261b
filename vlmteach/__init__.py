"""vlmteach: can a CNN be the eye of a vision-language model? Lessons that answer by measuring."""

from importlib.metadata import version

__version__ = version("vlmteach")
