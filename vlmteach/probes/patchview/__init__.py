"""Everything the PatchView explorer shows, measured beforehand."""

from vlmteach.probes.patchview.data import MARKED_READOUTS, READOUTS, Panel, PanelLayer, PatchViewData, Readout
from vlmteach.probes.patchview.heat import Heat
from vlmteach.probes.patchview.measure import LARGE, SMALL, Effort, measure_patchview
from vlmteach.probes.patchview.picture import reduce_picture
from vlmteach.probes.patchview.words import words_over_cells

__all__ = [
    "LARGE",
    "MARKED_READOUTS",
    "READOUTS",
    "SMALL",
    "Effort",
    "Heat",
    "Panel",
    "PanelLayer",
    "PatchViewData",
    "Readout",
    "measure_patchview",
    "reduce_picture",
    "words_over_cells",
]
