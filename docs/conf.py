"""Sphinx's settings for the static edition. `build_site.py` stages the sources and calls Sphinx on them.

Nothing here may fetch anything: the pages open from disk with the network off, and a test holds them to it.
"""

import sys
from pathlib import Path

project = html_title = "vlmteach"
author = "The vlmteach authors"
copyright = author  # Sphinx reads this name for its footer

sys.path.insert(0, str(Path(__file__).parent))  # where what follows is found
extensions = ["myst_nb", "japanese_search"]
exclude_patterns = ["README.md"]  # parts of it are included by index.md
nb_execution_mode = "off"  # the lessons are shown as they ran when they were committed
nb_merge_streams = True
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
pygments_dark_style = "github-dark"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["frames.js"]
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"color-brand-primary": "#0b63a5", "color-brand-content": "#0b63a5"},
    "dark_css_variables": {"color-brand-primary": "#7fb8ff", "color-brand-content": "#7fb8ff"},
}
html_copy_source = False
html_use_index = False
html_domain_indices = False
html_show_search_summary = False  # a summary is fetched from the page, which a browser forbids for files on disk

# One file that needs no other: no menu, since the menu's choices would load more of MathJax. An unknown macro is an
# error, which a test finds, and not red text.
mathjax_path = "mathjax/tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}, "tex": {"packages": {"[-]": ["noundefined"]}}}
