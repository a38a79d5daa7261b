"""Everything the PatchView explorer shows, measured beforehand."""

from vlmteach.probes.patchview.data import NUMBERS, Measurement, Panel, PanelLayer, PatchViewData
from vlmteach.probes.patchview.heat import Heat
from vlmteach.probes.patchview.maps import LONGEST_MAP
from vlmteach.probes.patchview.measure import LARGE, SMALL, Effort, measure_patchview
from vlmteach.probes.patchview.picture import reduce_picture
from vlmteach.probes.patchview.words import words_over_cells

__all__ = [
    "LARGE",
    "LONGEST_MAP",
    "NUMBERS",
    "SMALL",
    "Effort",
    "Heat",
    "Measurement",
    "Panel",
    "PanelLayer",
    "PatchViewData",
    "measure_patchview",
    "reduce_picture",
    "words_over_cells",
]
