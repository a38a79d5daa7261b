// Cells that can be pointed at, pressed and walked with the arrow keys, and the colours that lie on them.

import { make } from "../views/dom.js";
import { moved } from "../views/keys.js";
import { _ } from "../views/language.js";

/** "row 2, column 5" */
export const placeText = ({ row, column }) => _("row {row}, column {column}", { row, column });

/** Colours for shares 0 to 1 of one scale. */
export function heat(colours, share) {
  const level = Math.round(255 * Math.min(Math.max(share, 0), 1));
  return `rgb(${colours.slice(3 * level, 3 * level + 3).join(" ")})`;
}

/** Black or white, whichever is read better on this share of the scale. */
export const inkOn = (share) => (share > 0.55 ? "#000" : "#fff");

/** A canvas of small squares, one for each number of a matrix; levels are shares of the scale. */
export function paintCells(canvas, [rowCount, columnCount], levels, colours) {
  if (canvas.width !== columnCount || canvas.height !== rowCount) {
    Object.assign(canvas, { width: columnCount, height: rowCount });
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(columnCount, rowCount);
  for (let i = 0; i < levels.length; i++) {
    const level = 3 * Math.round(255 * Math.min(Math.max(levels[i], 0), 1));
    image.data.set([colours[level], colours[level + 1], colours[level + 2], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

/**
 * Six by six buttons. Arrows, Home and End move between them, so that all are one stop of the Tab key. press(cell) is
 * called for a click, Enter or Space; key(event, cell) for any other key, and says whether it knew it.
 */
export function cellGrid(course, label, { press, key = () => false }) {
  const numbers = Array.from({ length: course.cells }, (_none, i) => i + 1);
  const buttons = new Map();
  const grid = make("div", { className: "cells", role: "grid", ariaLabel: label });
  const at = ({ row, column }) => buttons.get(`${row}-${column}`);
  const focus = (cell) => {
    for (const { button } of buttons.values()) button.tabIndex = -1;
    at(cell).button.tabIndex = 0;
    at(cell).button.focus();
  };
  for (const row of numbers) {
    const line = make("div", { role: "row" });
    for (const column of numbers) {
      const cell = { row, column };
      const button = make("button", { type: "button", role: "gridcell", tabIndex: row * column === 1 ? 0 : -1 });
      button.addEventListener("click", () => press(cell));
      button.addEventListener("keydown", (event) => {
        const all = [1, course.cells];
        const to = moved(event.key, cell, { rows: all, columns: all });
        const plain = !(event.ctrlKey || event.metaKey || event.altKey);
        if (plain && key(event, cell, focus)) event.preventDefault();
        else if (plain && to) {
          focus(to);
          event.preventDefault();
        }
      });
      buttons.set(`${row}-${column}`, { button, cell });
      line.append(button);
    }
    grid.append(line);
  }
  return { grid, at, focus, every: () => buttons.values() };
}
