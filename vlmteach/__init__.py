"""vlmteach: can a CNN be the image encoder of a vision-language model? Lessons that answer by measuring."""

from importlib.metadata import version

from vlmteach.home import lend_matplotlib_a_folder
from vlmteach.restart import explain_missing_names, running_shell

__version__ = version("vlmteach")

lend_matplotlib_a_folder()
if (shell := running_shell()) is not None:
    explain_missing_names(shell)
