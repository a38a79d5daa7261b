// The board: things are placed, dragged and taken off by pointer, finger or keys; a cell is hidden with a press or H.

import { make } from "../views/dom.js";
import { _ } from "../views/language.js";
import { cellGrid, placeText } from "./cells.js";
import { PLAIN } from "./state.js";

const SYMBOLS = { circle: "●", square: "■", triangle: "▲", cross: "✚" };
const sameCell = (a, b) => a && b && a.row === b.row && a.column === b.column;

/** A row of radio buttons that look like chips; choose(value) is called with what was picked. */
export function chips(legend, values, choose, dress = (value) => [value]) {
  const name = `chips-${legend}-${Math.random()}`;
  const inputs = new Map();
  const labels = values.map((value) => {
    const input = make("input", { type: "radio", name });
    input.addEventListener("change", () => choose(value));
    inputs.set(value, input);
    return make("label", { className: "chip" }, input, make("span", {}, ...dress(value)));
  });
  const element = make("fieldset", {}, make("legend", {}, legend), make("div", { className: "row" }, ...labels));
  const mark = (chosen) => inputs.forEach((input, value) => (input.checked = value === chosen));
  return { element, mark };
}

export function boardPart(explorer) {
  const { course } = explorer.data;
  const chosen = { shape: course.shapes[0], colour: course.colours[0], hiding: false };
  const canvas = make("canvas", { width: 48, height: 48, ariaHidden: "true" });
  const side = course.cell * course.cells;
  Object.assign(canvas, { width: side, height: side });
  const thingAt = (cell) => explorer.state.scene.find((thing) => sameCell(thing, cell));
  const without = (cell) => explorer.state.scene.filter((thing) => !sameCell(thing, cell));

  const hide = (cell) => explorer.set({ hide: sameCell(explorer.state.hide, cell) ? null : cell });
  const press = (cell) => {
    if (dragged) return;
    if (chosen.hiding) return void hide(cell);
    const there = thingAt(cell);
    const same = there && there.shape === chosen.shape && there.colour === chosen.colour;
    const placed = { shape: chosen.shape, colour: chosen.colour, ...cell, ...PLAIN };
    explorer.set({ scene: same ? without(cell) : [...without(cell), placed] });
  };
  /** Move a thing to another cell, when that is free. Returns where it stands then. */
  const move = (from, to) => {
    if (!thingAt(from) || thingAt(to)) return from;
    explorer.set({ scene: explorer.state.scene.map((thing) => (sameCell(thing, from) ? { ...thing, ...to } : thing)) });
    return to;
  };
  const key = (event, cell, focus) => {
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const to = { row: cell.row + step[0], column: cell.column + step[1] };
      const inside = Math.min(to.row, to.column) >= 1 && Math.max(to.row, to.column) <= course.cells;
      if (inside && thingAt(cell)) focus(move(cell, to));
    } else if (event.key === "Delete" || event.key === "Backspace") explorer.set({ scene: without(cell) });
    else if (event.key.toLowerCase() === "h") hide(cell);
    else return false;
    return true;
  };
  const label = _("Board. Arrow keys move, Enter places or takes off, Shift and an arrow moves a thing, H hides the cell.");
  const cells = cellGrid(course, label, { press, key });

  // dragging: the thing follows the finger from cell to cell, and the answer with it
  let drag = null;
  let dragged = false;
  const cellUnder = ({ clientX, clientY }) => {
    const box = cells.grid.getBoundingClientRect();
    const [x, y] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    if (Math.min(x, y) < 0 || Math.max(x, y) >= 1) return null;
    return { row: Math.floor(y * course.cells) + 1, column: Math.floor(x * course.cells) + 1 };
  };
  cells.grid.addEventListener("pointerdown", (event) => {
    dragged = false;
    const cell = cellUnder(event);
    if (event.button === 0 && !chosen.hiding && cell && thingAt(cell)) drag = cell;
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const to = cellUnder(event);
    frame.classList.toggle("leaving", !to);
    if (!to || sameCell(to, drag)) return;
    dragged = true;
    drag = move(drag, to);
  });
  const drop = (event) => {
    if (drag && event.type === "pointerup" && !cellUnder(event)) explorer.set({ scene: without(drag) });
    drag = null;
    frame.classList.remove("leaving");
  };
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);

  const dot = (colour) => {
    const swatch = make("i", { className: "swatch" });
    swatch.style.background = `rgb(${course.rgb[course.colours.indexOf(colour)].join(" ")})`;
    return [swatch, colour];
  };
  const shapes = chips(_("Shape"), course.shapes, (shape) => choose({ shape }), (shape) => [SYMBOLS[shape], ` ${shape}`]);
  const colours = chips(_("Colour"), course.colours, (colour) => choose({ colour }), dot);
  const acts = { place: _("places a thing"), hide: _("hides a cell") };
  const modes = chips(_("A press on the board"), Object.keys(acts), (act) => choose({ hiding: act === "hide" }), (act) => [acts[act]]);
  const choose = (change) => {
    Object.assign(chosen, change);
    if (!("hiding" in change)) chosen.hiding = false;
    shapes.mark(chosen.shape);
    colours.mark(chosen.colour);
    modes.mark(chosen.hiding ? "hide" : "place");
  };
  choose({});
  const clear = make("button", { type: "button", className: "quiet" }, _("Clear the board"));
  clear.addEventListener("click", () => explorer.set({ scene: [], hide: null }));
  const help = make("p", { className: "hint" }, _("Press a cell to place a thing, press it again to take it off, drag it to move it."));
  const frame = make("div", { className: "board" }, canvas, cells.grid);

  return {
    name: "board",
    title: _("The picture"),
    body: [frame, modes.element, shapes.element, colours.element, make("div", { className: "row" }, clear), help],
    show({ state, pixels, hiddenPixels }) {
      paintPicture(canvas, hiddenPixels ?? pixels, side);
      for (const { button, cell } of cells.every()) {
        const thing = thingAt(cell);
        const hidden = sameCell(state.hide, cell);
        const told = { cell: placeText(cell), held: thing ? `${thing.colour} ${thing.shape}` : _("empty") };
        button.ariaLabel = hidden ? _("{cell}: {held}, hidden", told) : _("{cell}: {held}", told);
        button.classList.toggle("holds", Boolean(thing));
        button.classList.toggle("hidden", Boolean(hidden));
      }
    },
  };
}

/** Bytes (3, H, W) on a canvas of as many pixels. */
function paintPicture(canvas, pixels, side) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    image.data.set([pixels[i], pixels[side * side + i], pixels[2 * side * side + i], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}
