// Inside the model: what each layer knows of a cell, where words look, what hiding costs, and every number by name.

import { make } from "../views/dom.js";
import { _ } from "../views/language.js";
import { cellGrid, heat, inkOn, paintCells, placeText } from "./cells.js";
import { percent } from "./asking.js";

const largest = (values) => values.reduce((most, value) => Math.max(most, value), 0);
const rowOf = (values, row, width) => values.subarray(row * width, (row + 1) * width);

/** How far each place of a layer's output is from the same place of another: grids (C, H, W), tokens (N, D). */
export function changes(one, other) {
  const [places, step, width, stride] =
    one.shape.length === 3
      ? [one.shape[1] * one.shape[2], 1, one.shape[0], one.shape[1] * one.shape[2]]
      : [one.shape[0], one.shape[1], one.shape[1], 1];
  return Float32Array.from({ length: places }, (_none, place) => {
    let sum = 0;
    for (let i = 0; i < width; i++) {
      const at = place * step + i * stride;
      sum += (one.values[at] - other.values[at]) ** 2;
    }
    return Math.sqrt(sum);
  });
}

/** A small picture of numbers with a line below it. */
function tile(className = "") {
  const canvas = make("canvas", { ariaHidden: "true" });
  const caption = make("figcaption");
  return { canvas, caption, element: make("figure", { className: `tile ${className}` }, canvas, caption) };
}

const counted = {
  cells: (told) => _("{reached} of {count} cells", told),
  words: (told) => _("{reached} of {count} words", told),
  vector: (told) => _("{reached} of {count} vector", told),
  vectors: (told) => _("{reached} of {count} vectors", told),
};

/** From left to right through the network: which cells, then which words, a change of the picture has reached. */
export function layersPart(explorer) {
  const { colours, models, course } = explorer.data;
  const says = make("p", { className: "lead" });
  const strip = make("div", { className: "strip" });
  let built = null;
  let tiles = [];
  return {
    name: "layers",
    title: _("Through every layer"),
    body: [says, strip],
    show({ state, seen, compared }) {
      if (!seen) return void strip.replaceChildren();
      if (built !== state.eye || !strip.children.length) {
        tiles = models[state.eye].stages.map((stage) => ({ ...stage, ...tile(stage.of) }));
        strip.style.setProperty("--eye", models[state.eye].hue);
        strip.replaceChildren(...tiles.map(({ element }) => element));
        built = state.eye;
      }
      says.textContent = state.hide
        ? _("The model has looked twice, with {cell} and without. Bright: what this one cell has changed, layer by layer.", { cell: placeText(state.hide) })
        : _("The model has looked twice, at this board and at an empty one. Bright: what the things have changed, layer by layer. Hide a cell to follow that one alone.");
      for (const { name, title, of, canvas, caption } of tiles) {
        const changed = changes(seen.outputs.get(name), compared.outputs.get(name));
        const top = largest(changed);
        const shape = of === "cells" ? [course.cells, course.cells] : [1, changed.length];
        paintCells(canvas, shape, changed.map((value) => (top ? 0.08 + (0.92 * value) / top : 0) * (value > 0)), colours);
        const reached = changed.filter((value) => value > 0).length;
        caption.replaceChildren(make("b", {}, title), counted[of]({ reached, count: changed.length }));
      }
    },
  };
}

/** Attention weights of every layer and head, all on one scale. */
export function attentionPart(explorer) {
  const { colours, models, course } = explorer.data;
  const choose = make("select", { id: "attention-layer" });
  choose.addEventListener("change", () => explorer.set({ layer: choose.value }));
  const label = make("label", { htmlFor: choose.id }, _("Layer"));
  const says = make("p", { className: "lead" });
  const table = make("table", { className: "maps" });
  const read = make("p", { className: "hint", role: "status" });
  const scale = make("p", { className: "scale" });
  const asking = cellGrid(course, _("The patch that looks. Arrow keys move, Enter chooses."), {
    press: (cell) => explorer.set({ cell }),
  });
  const asks = make("div", { className: "asking" }, make("p", { className: "hint" }, _("Which patch looks?")), asking.grid);

  const header = (text) => make("th", { scope: "col" }, text);
  const cellsOf = course.cells ** 2;
  const map = (weights, shape, top, what) => {
    const { canvas, caption, element } = tile("map");
    paintCells(canvas, shape, weights.map((weight) => weight / top), colours);
    const place = weights.indexOf(largest(weights));
    const at = shape[0] > 1 ? placeText({ row: Math.floor(place / shape[1]) + 1, column: (place % shape[1]) + 1 }) : "";
    caption.textContent = percent(largest(weights));
    element.ariaLabel = _("{what}: most at {cell}, {share}", { what, cell: at, share: percent(largest(weights)) });
    element.role = "img";
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      const row = Math.min(Math.floor(((event.clientY - box.top) / box.height) * shape[0]), shape[0] - 1);
      const column = Math.min(Math.floor(((event.clientX - box.left) / box.width) * shape[1]), shape[1] - 1);
      if (row >= 0 && column >= 0) {
        const told = { what, cell: placeText({ row: row + 1, column: column + 1 }), weight: weights[row * shape[1] + column].toFixed(3) };
        read.textContent = _("{what}: {cell} gets {weight}", told);
      }
    });
    return element;
  };
  /** The mean over the heads, then each head: [title, weights (N, M)] */
  const headsOf = ({ shape: [heads, length, width], values }) => {
    const size = length * width;
    const each = Array.from({ length: heads }, (_none, head) => values.subarray(head * size, (head + 1) * size));
    const mean = Float32Array.from({ length: size }, (_none, i) => each.reduce((sum, one) => sum + one[i], 0) / heads);
    return [[_("mean"), mean], ...each.map((one, head) => [_("head {number}", { number: head + 1 }), one])];
  };

  return {
    name: "attention",
    title: _("Where it looks"),
    body: [make("div", { className: "row" }, label, choose), says, make("div", { className: "looking" }, asks, table), read, scale],
    show({ state, seen, asked }) {
      if (!seen) return void table.replaceChildren();
      const layers = models[state.eye].attention;
      const layer = layers.find(({ name }) => name === state.layer) ?? layers.find(({ kind }) => kind === "ask") ?? layers[0];
      choose.replaceChildren(...layers.map(({ name, title }) => make("option", { value: name, selected: name === layer.name }, title)));
      const weights = seen.attention.get(layer.name);
      const [, length, width] = weights.shape;
      const alike = layers.filter(({ kind }) => (kind === "words") === (layer.kind === "words"));
      const top = largest(alike.map(({ name }) => largest(seen.attention.get(name).values)));
      const told = {
        ask: _("Each word takes what it needs from the picture’s cells: a column for each word, a row for each head."),
        cells: _("Each patch looks at all patches. Choose the one that looks."),
        words:
          width > asked.words.length
            ? _("Each word (a row) looks at itself and at what stands before it (columns); the picture’s one vector stands in front.")
            : _("Each word (a row) looks at itself and at what stands before it (columns)."),
      };
      says.textContent = told[layer.kind];
      asks.hidden = layer.kind !== "cells";
      const heads = headsOf(weights);
      const body = make("tbody");
      const square = [course.cells, course.cells];
      if (layer.kind === "ask") {
        table.replaceChildren(make("thead", {}, make("tr", {}, make("td"), ...asked.words.map(header))), body);
        for (const [title, values] of heads) {
          const maps = asked.words.map((word, i) => make("td", {}, map(rowOf(values, i, cellsOf), square, top, _("{what}, {head}", { what: `“${word}”`, head: title }))));
          body.append(make("tr", {}, make("th", { scope: "row" }, title), ...maps));
        }
      } else {
        const looks = (state.cell.row - 1) * course.cells + state.cell.column - 1;
        const what = layer.kind === "cells" ? _("the patch at {cell}", { cell: placeText(state.cell) }) : _("words");
        const maps = heads.map(([title, values]) =>
          layer.kind === "cells"
            ? map(rowOf(values, looks, cellsOf), square, top, _("{what}, {head}", { what, head: title }))
            : map(values, [length, width], top, _("{what}, {head}", { what, head: title })),
        );
        table.replaceChildren(make("thead", {}, make("tr", {}, ...heads.map(([title]) => header(title)))), body);
        body.append(make("tr", {}, ...maps.map((one) => make("td", {}, one))));
      }
      table.className = `maps by-${layer.kind}`;
      table.style.setProperty("--count", layer.kind === "ask" ? asked.words.length : heads.length);
      for (const { button, cell } of asking.every()) {
        const chosen = cell.row === state.cell.row && cell.column === state.cell.column;
        button.ariaLabel = placeText(cell);
        button.ariaSelected = chosen;
        button.classList.toggle("chosen", chosen);
      }
      scale.replaceChildren(make("span", { className: "ramp" }), make("span", {}, "0"), make("span", {}, _("{most}, one scale for all maps of this kind, in every layer and head", { most: percent(top) })));
      scale.firstChild.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((share) => heat(colours, share)).join()})`;
    },
  };
}

/** By how much the first answer's likelihood falls when a cell is hidden, for all cells at once. */
export function hidingPart(explorer) {
  const { colours, course } = explorer.data;
  const says = make("p", { className: "lead" });
  const press = (cell) => {
    const { hide } = explorer.state;
    explorer.set({ hide: hide?.row === cell.row && hide?.column === cell.column ? null : cell });
  };
  const cells = cellGrid(course, _("What hiding each cell costs. Arrow keys move, Enter hides."), { press });
  cells.grid.classList.add("numbers");
  return {
    name: "hiding",
    title: _("What hiding costs"),
    body: [says, cells.grid],
    show({ state, answer, drop }) {
      if (!drop) {
        says.textContent = answer ? "…" : "";
        for (const { button } of cells.every()) Object.assign(button, { textContent: "" }).style.background = "";
        return;
      }
      const top = largest(drop);
      const at = drop.indexOf(top);
      const most = placeText({ row: Math.floor(at / course.cells) + 1, column: (at % course.cells) + 1 });
      says.textContent =
        top < 0.005
          ? _("No single cell is needed for “{answer}”.", { answer })
          : _("Hiding {cell} costs “{answer}” most: {drop} of its likelihood. Press a cell to hide it.", { cell: most, answer, drop: percent(top) });
      for (const { button, cell } of cells.every()) {
        const value = drop[(cell.row - 1) * course.cells + cell.column - 1];
        const text = Math.abs(value) < 0.005 ? "" : (value > 0 ? "−" : "+") + percent(Math.abs(value));
        const hidden = state.hide?.row === cell.row && state.hide?.column === cell.column;
        button.textContent = text;
        const told = { cell: placeText(cell), held: text || _("nothing") };
        button.ariaLabel = hidden ? _("{cell}: {held}, hidden", told) : _("{cell}: {held}", told);
        button.style.background = heat(colours, value);
        button.style.color = inkOn(value);
        button.classList.toggle("hidden", Boolean(hidden));
      }
    },
  };
}

/** Every module's output under torch's name: a picture of its numbers, and each of them on demand. */
export function numbersPart(explorer) {
  const { colours } = explorer.data;
  const choose = make("select", { id: "tensor-name" });
  choose.addEventListener("change", () => explorer.set({ tensor: choose.value }));
  const label = make("label", { htmlFor: choose.id }, _("What a module returned"));
  const shape = make("p", { className: "hint" });
  const canvas = make("canvas", { tabIndex: 0, role: "img" });
  const read = make("output", { className: "hint" });
  const hint = make("p", { className: "hint" }, _("Point at a number, or move with the arrow keys. The names are those of the modules in Python."));
  const at = { row: 0, column: 0 };
  let matrix = null;
  const tell = () => {
    at.row = Math.min(Math.max(at.row, 0), matrix.rows - 1);
    at.column = Math.min(Math.max(at.column, 0), matrix.columns - 1);
    const value = matrix.values[at.row * matrix.columns + at.column];
    read.ariaLive = document.activeElement === canvas ? "polite" : "off"; // speaks only to who walks here
    read.textContent = matrix.at({ row: at.row + 1, column: at.column + 1, value: value.toFixed(4) });
  };
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    at.row = Math.floor(((event.clientY - box.top) / box.height) * matrix.rows);
    at.column = Math.floor(((event.clientX - box.left) / box.width) * matrix.columns);
    tell();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    at.row += step[0];
    at.column += step[1];
    tell();
    event.preventDefault();
  });
  return {
    name: "numbers",
    title: _("Every number inside"),
    body: [make("div", { className: "row" }, label, choose), shape, make("div", { className: "sheet" }, canvas), read, hint],
    show({ state, seen }) {
      if (!seen) return;
      const names = [...seen.outputs.keys()];
      const name = names.includes(state.tensor) ? state.tensor : names.at(-1);
      choose.replaceChildren(...names.map((one) => make("option", { value: one, selected: one === name }, one || _("(the whole model)"))));
      const output = seen.outputs.get(name);
      const isGrid = output.shape.length === 3;
      const rowCount = output.shape[0];
      const columnCount = output.values.length / rowCount;
      matrix = { values: output.values, rows: rowCount, columns: columnCount, at: isGrid ? (told) => _("channel {row}, place {column}: {value}", told) : (told) => _("token {row}, number {column}: {value}", told) };
      const [low, high] = [output.values.reduce((a, b) => Math.min(a, b)), output.values.reduce((a, b) => Math.max(a, b))];
      paintCells(canvas, [rowCount, columnCount], output.values.map((value) => (value - low) / (high - low || 1)), colours);
      shape.textContent = _("{shape} numbers, from {low} (dark) to {high} (bright)", { shape: output.shape.join(" × "), low: low.toFixed(2), high: high.toFixed(2) });
      const module = name || _("the whole model");
      canvas.ariaLabel = _("{module}: {numbers}", { module, numbers: shape.textContent });
      tell();
    },
  };
}
