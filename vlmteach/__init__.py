"""vlmteach: can a CNN be the image encoder of a vision-language model? Lessons that answer by measuring."""

from importlib.metadata import version

from vlmteach.restart import explain_missing_names

__version__ = version("vlmteach")

explain_missing_names()
