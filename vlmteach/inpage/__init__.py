"""A tiny vision-language model that answers inside a web page: no kernel, no server, no network.

`model.js` computes what the modules of `nn` compute, and `scene.js` draws and answers as `pictures` does; tests hold
both to their originals. `export` says what of a model goes into a page, `page` makes the page, `tour.json` guides.
"""

from vlmteach.inpage.export import ModelRefused, as_in_page, pack_model
from vlmteach.inpage.page import AskPage

__all__ = ["AskPage", "ModelRefused", "as_in_page", "pack_model"]
