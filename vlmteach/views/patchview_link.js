// PatchView's state as a link: #layer=2&cell=3-4&hide=0-7, counted as on the page: layers from 1, rows and columns from 0.

import { followLinks, readLink, writeLink } from "./link.js";

/** What a link says: some of {stop, asked, marked, hiding}. What it does not say, or says of no layer or cell, is left out. */
function readView({ stops, cells: [rowCount, columnCount] }, hash) {
  const { layer, cell, hide } = readLink(hash);
  const place = (text) => {
    const [row, column] = /^\d+-\d+$/.test(text) ? text.split("-").map(Number) : [];
    return row < rowCount && column < columnCount ? { row, column } : undefined;
  };
  const [stop, asked, marked] = [/^\d+$/.test(layer) ? Number(layer) - 1 : undefined, place(cell), place(hide)];
  return {
    ...(stop >= 0 && stop < stops.length && { stop }),
    ...(asked && { asked }),
    ...(marked && { marked, hiding: true }),
  };
}

export function writeView({ stop, asked, marked, hiding }) {
  const place = ({ row, column }) => `${row}-${column}`;
  return writeLink({ layer: stop + 1, cell: place(asked), hide: hiding ? place(marked) : null });
}

/** Let links drive an explorer: the page's own now, every later one, and those that are posted. Returns the explorer. */
export function linked(explorer) {
  const { stop, asked, marked, hiding } = explorer; // as it starts, which a link leaves where it says nothing
  const open = (hash) => {
    const said = readView(explorer.data, hash);
    explorer.update({ stop, asked, marked, ...said, hiding: hiding || (Boolean(said.hiding) && explorer.canHide) });
  };
  if (window.location.hash) open(window.location.hash);
  followLinks(open);
  return explorer;
}
