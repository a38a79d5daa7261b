// PatchView: one picture in linked panels. It looks up, colours and prints what Python measured; it computes no number.
// mount(root, data) builds the explorer inside an element; data is what patchview.py packs. No framework, no network.

import { fromBase64, inflated } from "./bytes.js";
import { make } from "./dom.js";
import { between, moved } from "./keys.js";
import { _ } from "./language.js";
import { keepLink } from "./link.js";
import { linked, writeView } from "./patchview_link.js";

/** A heading of the table, for a row or for a column. */
const header = (scope, text) => make("th", { scope }, text);

/** The packed bytes of all arrays: base64, deflated where that made them smaller. */
async function unpack({ base64, deflated }) {
  const bytes = fromBase64(base64);
  return (deflated ? await inflated(bytes) : bytes).buffer;
}

const TYPES = { uint8: Uint8Array, int16: Int16Array, float32: Float32Array };

/** Replace each {dtype, offset, shape} inside the data by {values, shape}, a view into the bytes. */
function revive(node, buffer) {
  if (node === null || typeof node !== "object") return node;
  if (node.dtype) {
    const size = node.shape.reduce((product, length) => product * length, 1);
    return { shape: node.shape, values: new TYPES[node.dtype](buffer, node.offset, size) };
  }
  if (Array.isArray(node)) return node.map((child) => revive(child, buffer));
  return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, revive(child, buffer)]));
}

/** One entry of an array, or the run of entries that remains when fewer indices than axes are given. */
function pick({ values, shape }, ...index) {
  const rest = shape.slice(index.length).reduce((product, length) => product * length, 1);
  const start = rest * index.reduce((sum, place, axis) => sum * shape[axis] + place, 0);
  return index.length === shape.length ? values[start] : values.subarray(start, start + rest);
}

/** A pixel in the four bytes in which canvases store it, read as one number. */
const dye = (...channels) => new Uint32Array(Uint8ClampedArray.from(channels).buffer)[0];

/** A canvas as large as a map, each pixel dyed by dyed(index). */
function tile(height, width, dyed, canvas = document.createElement("canvas")) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = dyed(i);
  context.putImageData(image, 0, 0);
  return canvas;
}

class Explorer {
  constructor(root, data) {
    this.data = data;
    const [height, width] = data.picture.shape;
    const colour = (i) => data.picture.values.subarray(3 * i, 3 * i + 3);
    // the brightest channel, not the luminance: a red square on equally bright grey must not vanish
    const grey = (i) => Array(3).fill(Math.max(...colour(i)));
    this.picture = tile(height, width, (i) => dye(...colour(i), 255));
    this.grey = tile(height, width, (i) => dye(...grey(i), 255));
    // a map is a light of one colour on the darkened picture, as strong as the weight: what is 0 has no tint
    this.shades = Uint32Array.from({ length: 256 }, (_none, level) => dye(...data.light, level));
    this.heat = document.createElement("canvas");
    this.stop = data.stops.length - 1;
    this.asked = { row: data.cells[0] >> 1, column: data.cells[1] >> 1 };
    this.marked = { ...this.asked };
    this.hover = null;
    // a view asked by words alone has no asking cell: there the pointer reads the answering one from the start
    this.byWords = data.panels.every((panel) => panel.words.length > 0);
    this.hiding = this.byWords;
    this.canHide = data.panels.some((panel) => panel.layers.some((layer) => layer.change));
    this.panels = data.panels.map((panel) => ({ ...panel, map: 0, word: 0 }));
    this.build(root);
  }

  build(root) {
    const { title, notes, stops } = this.data;
    this.slider = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1 });
    this.slider.addEventListener("input", () => this.update({ stop: Number(this.slider.value) }));
    this.position = make("output");
    const rail = make("div", { className: "rail" });
    rail.append(make("label", { hidden: stops.length === 1 }, make("b", {}, _("Layer")), this.position, this.slider));
    for (const panel of this.panels) {
      if (panel.words.length) rail.append(this.chips(_("Word"), panel, "word", panel.words));
      if (panel.maps.length > 1) rail.append(this.chips(panel.title, panel, "map", panel.maps));
    }
    this.button = make("button", { type: "button", hidden: this.byWords || !this.canHide }, _("Occlude a cell"));
    this.button.addEventListener("click", () => this.update({ hiding: !this.hiding }));
    rail.append(this.button, this.ramp());
    this.sentence = make("p", { className: "stop" });
    const ariaLabel = _("{title}. Arrow keys move the cell, plus and minus change the layer.", { title });
    const look = { className: "panels", tabIndex: 0, role: "application", ariaLabel };
    this.stage = make("div", look, ...this.panels.map((panel) => this.card(panel)));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.said = make("p", { className: "said", role: "status" });
    const list = make("ul", { className: "notes" }, ...notes.map((note) => make("li", {}, note)));
    const below = [this.table(), this.said, this.help(), list];
    const view = make("div", { className: "pv" }, make("h2", {}, title), this.sentence, rail, this.stage, ...below);
    view.style.setProperty("--count", this.panels.length);
    root.replaceChildren(view);
    new ResizeObserver(() => this.fit()).observe(this.stage);
    this.fit();
  }

  /** A row of choices; radio buttons, so that the keyboard and a screen reader know it. */
  chips(legend, panel, field, names) {
    const group = `${field}-${this.panels.indexOf(panel)}-${Math.random()}`;
    const choices = names.map((name, index) => {
      const input = make("input", { type: "radio", name: group, checked: index === 0 });
      input.addEventListener("change", () => {
        panel[field] = index;
        this.update({});
      });
      return make("label", { className: "chip" }, input, make("span", {}, name));
    });
    return make("fieldset", {}, make("legend", {}, legend), ...choices);
  }

  /** The one colour scale, from the dark picture to the light. */
  ramp() {
    const strip = make("span", { className: "ramp" });
    const colour = this.data.light.join(" ");
    strip.style.background = `linear-gradient(to right, #404040, rgb(${colour}))`;
    return make("p", { className: "scale" }, strip, make("span", {}, "0"), make("span", {}, _("highest of its map")));
  }

  help() {
    const keys = { [_("Arrows")]: _("move"), "Home / End": _("ends of the row"), "+ / −": _("layer") };
    if (!this.button.hidden) keys.O = _("occlude");
    const shown = Object.entries(keys).map(([key, does]) => make("span", {}, make("kbd", {}, key), ` ${does}`));
    return make("p", { className: "help" }, make("span", {}, _("Point to preview, click to pin.")), ...shown);
  }

  /** The numbers of all panels in one table, so that they can be compared line by line. */
  table() {
    const layers = this.panels.flatMap((panel) => panel.layers);
    const measured = ({ key }) => layers.some((layer) => key in layer.numbers || key in layer.facts);
    const lines = this.data.readouts.filter(measured);
    if (this.canHide) lines.push(...this.data.marked_readouts);
    else if (this.byWords) lines.push(this.data.marked_readouts[0]);
    this.caption = make("caption");
    const head = make("tr", {}, make("td"), ...this.panels.map((panel) => header("col", panel.title)));
    const rows = lines.map((line) => make("tr", {}, header("row", line.label)));
    for (const panel of this.panels) {
      panel.lines = lines.map((line, index) => {
        const value = make("td");
        value.dataset.key = line.key;
        rows[index].append(value);
        return { ...line, value };
      });
    }
    return make("table", {}, this.caption, make("thead", {}, head), make("tbody", {}, ...rows));
  }

  card(panel) {
    panel.canvas = make("canvas", { ariaHidden: "true" }); // the status line says what it shows
    for (const line of ["layer", "unit", "kind"]) panel[line] = make("p", { className: line });
    panel.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") this.update({ hover: this.cellAt(event) });
    });
    panel.canvas.addEventListener("pointerleave", () => this.update({ hover: null }));
    panel.canvas.addEventListener("click", (event) => this.pin(this.cellAt(event)));
    const parts = [make("h3", {}, panel.title), panel.layer, panel.unit, panel.kind, panel.canvas];
    const card = make("section", { className: "card" }, ...parts);
    card.style.setProperty("--hue", this.data.hues[panel.hue]);
    return card;
  }

  cellAt(event) {
    const [rows, columns] = this.data.cells;
    const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
    const place = (share, count) => between(Math.floor(share * count), [0, count - 1]);
    return { row: place((event.clientY - top) / height, rows), column: place((event.clientX - left) / width, columns) };
  }

  pin(cell) {
    this.update({ [this.hiding ? "marked" : "asked"]: cell, hover: null });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [rows, columns] = this.data.cells;
    const from = this.hiding ? this.marked : this.asked;
    const to = moved(event.key, from, { rows: [0, rows - 1], columns: [0, columns - 1] });
    const steps = { "+": 1, "=": 1, "-": -1, _: -1 };
    if (to) this.pin(to);
    else if (event.key in steps) {
      this.update({ stop: between(this.stop + steps[event.key], [0, this.data.stops.length - 1]) });
    } else if (event.key.toLowerCase() === "o" || (event.key === "Escape" && this.hiding)) {
      if (!this.button.hidden) this.button.click();
    } else return;
    event.preventDefault();
  }

  update(change) {
    Object.assign(this, change);
    this.show();
    if (!this.hover) keepLink(writeView(this));
  }

  /** Paint everything for the state as it is now. */
  show() {
    this.slider.value = this.stop;
    this.position.value = _("{number} of {count}", { number: this.stop + 1, count: this.data.stops.length });
    this.sentence.textContent = this.data.stops[this.stop];
    this.button.ariaPressed = this.hiding;
    for (const panel of this.panels) {
      const shown = this.lookUp(panel);
      this.paint(panel, shown);
      this.print(panel, shown);
    }
    this.say();
  }

  /** The cell that asks, and the marked one whose weight is read, if there is one. */
  cells() {
    if (this.hiding) return { asked: this.asked, marked: this.hover ?? this.marked };
    return { asked: this.hover ?? this.asked, marked: null };
  }

  /** What a panel shows now: its layer, the measured unit nearest to the asking cell, its map, and the cells. */
  lookUp(panel) {
    const layer = panel.layers[panel.at[this.stop]];
    const { asked, marked } = this.cells();
    const unit = panel.words.length ? [0, panel.word] : [layer.row_of[asked.row], layer.column_of[asked.column]];
    return { layer, asked, marked, unit, map: layer.maps[panel.map] };
  }

  paint(panel, { layer, asked, marked, unit, map }) {
    const context = panel.canvas.getContext("2d");
    const { width, height } = panel.canvas;
    const [pictureHeight, pictureWidth] = this.data.picture.shape;
    const scale = width / pictureWidth;
    const box = layer.boxes && Array.from(pick(layer.boxes, ...unit), (edge) => edge * scale);
    const cell = (place, [rows, columns]) => {
      const [y, x] = [(place.row * height) / rows, (place.column * width) / columns];
      return [y, x, y + height / rows, x + width / columns];
    };
    context.imageSmoothingEnabled = pictureHeight * pictureWidth > 128 * 128; // a drawn scene keeps its hard pixels
    context.drawImage(map ? this.grey : this.picture, 0, 0, width, height);
    if (map) {
      this.dim(context, this.data.behind);
      this.paintHeat(context, pick(map.levels, ...unit), map.levels.shape);
    } else if (box) this.shadeAround(context, box);
    if (marked && this.canHide) this.paintHidden(context, cell(this.square(marked), this.data.squares));
    if (box) this.outline(context, box, this.data.hues[panel.hue], map ? [6, 4] : []);
    if (marked) this.outline(context, cell(marked, this.data.cells), "#ffffff", [3, 3]);
    if (panel.words.length) return;
    if (asked !== this.asked) this.outline(context, cell(this.asked, this.data.cells), "#a0a0a0", [2, 4]);
    this.outline(context, cell(asked, this.data.cells), "#ffffff");
    const dot = (row, column, ...look) => {
      const [top, left, bottom, right] = cell({ row, column }, layer.units);
      this.dot(context, (top + bottom) / 2, (left + right) / 2, ...look);
    };
    // where fewer units were measured than there are cells, small dots show which
    if (layer.rows.length < this.data.cells[0] || layer.columns.length < this.data.cells[1]) {
      for (const row of layer.rows) for (const column of layer.columns) dot(row, column, 1.5, "#ffffff");
    }
    dot(layer.rows[unit[0]], layer.columns[unit[1]], 4, this.data.hues[panel.hue]);
  }

  paintHeat(context, levels, shape) {
    tile(shape[2], shape[3], (i) => this.shades[levels[i]], this.heat);
    context.imageSmoothingEnabled = false; // a measured cell is one flat colour
    context.drawImage(this.heat, 0, 0, context.canvas.width, context.canvas.height);
  }

  /** Everything outside the box goes grey and dim: the unit cannot know it. */
  shadeAround(context, [top, left, bottom, right]) {
    const { width, height } = context.canvas;
    context.save();
    context.beginPath();
    context.rect(0, 0, width, height);
    context.rect(left, top, right - left, bottom - top);
    context.clip("evenodd");
    context.drawImage(this.grey, 0, 0, width, height);
    this.dim(context, this.data.outside);
    context.restore();
  }

  /** Leave the picture only a share of its brightness. */
  dim(context, bright) {
    context.fillStyle = `rgb(0 0 0 / ${1 - bright})`;
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  }

  /** The hidden square, hatched so that it is not taken for a part of the picture. */
  paintHidden(context, [top, left, bottom, right]) {
    const side = bottom - top;
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, side);
    context.clip();
    context.fillStyle = "#808080";
    context.fill();
    context.beginPath();
    for (let x = left - side; x < right; x += side / 4) {
      context.moveTo(x, bottom);
      context.lineTo(x + side, top);
    }
    Object.assign(context, { strokeStyle: "#ffffff", lineWidth: 1 });
    context.stroke();
    context.restore();
  }

  /** A line with a dark edge, visible on any picture, kept inside the canvas where a box meets its border. */
  outline(context, [top, left, bottom, right], colour, dash = []) {
    const ratio = window.devicePixelRatio;
    const inset = 2 * ratio;
    const stroke = (strokeStyle, width, pattern) => {
      Object.assign(context, { strokeStyle, lineWidth: width * ratio });
      context.setLineDash(pattern.map((length) => length * ratio));
      context.strokeRect(left + inset, top + inset, right - left - 2 * inset, bottom - top - 2 * inset);
    };
    stroke("rgb(0 0 0 / 75%)", 4, []);
    stroke(colour, 2, dash);
  }

  dot(context, y, x, size, colour) {
    const radius = size * window.devicePixelRatio;
    context.setLineDash([]);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: colour, strokeStyle: "#ffffff", lineWidth: radius / 2 });
    context.fill();
    context.stroke();
  }

  /** Which of the squares that can be marked holds this cell. */
  square({ row, column }) {
    const within = (place, axis) => Math.floor(((place + 0.5) * this.data.squares[axis]) / this.data.cells[axis]);
    return { row: within(row, 0), column: within(column, 1) };
  }

  print(panel, shown) {
    const { layer, unit } = shown;
    const [row, column, grid] = [layer.rows[unit[0]], layer.columns[unit[1]], layer.units.join(" × ")];
    const place = panel.words.length
      ? `“${panel.words[unit[1]]}”`
      : _("unit ({row}, {column}) of {grid}", { row, column, grid });
    panel.layer.textContent = layer.name;
    panel.unit.textContent = place;
    panel.kind.textContent = panel.maps[panel.map] ?? "";
    for (const line of panel.lines) line.value.textContent = this.number(panel, line, shown) ?? "–";
  }

  /** One number of the read-out as text, or undefined where it was not measured. */
  number(panel, { key, unit: name, digits }, { layer, unit, marked }) {
    const suffix = name && ` ${name}`;
    if (key in layer.facts) return layer.facts[key];
    if (key in layer.numbers) return pick(layer.numbers[key], panel.map, ...unit).toFixed(digits) + suffix;
    const heat = { weight: layer.weights[panel.map], change: layer.change }[key];
    if (!heat || !marked) return undefined;
    const { row, column } = this.square(marked);
    const level = pick(heat.levels, ...unit, row, column);
    const value = (level * pick(heat.peak, ...unit)) / 255; // the number that the byte stands for
    if (level < 2) return (level ? `≤ ${value.toPrecision(1)}` : "0") + suffix; // level 1 is anything above nothing
    return value.toFixed(digits) + suffix;
  }

  /** Which cells the numbers are about, and all of it again as sentences for a screen reader. */
  say() {
    const { asked, marked } = this.cells();
    const about = [];
    if (!this.byWords) about.push(_("Cell ({row}, {column})", asked));
    if (marked) about.push(_("Marked cell ({row}, {column})", marked));
    this.caption.textContent = about.join(" · ");
    if (this.hover) return; // a screen reader hears what was chosen, not what the pointer passes
    for (const panel of this.panels) {
      const lines = panel.lines.filter((line) => line.value.textContent !== "–");
      const numbers = lines.map((line) => `${line.label.toLowerCase()} ${line.value.textContent}`);
      about.push(`${panel.title}, ${panel.layer.textContent}, ${panel.unit.textContent}: ${numbers.join(", ")}`);
    }
    this.said.textContent = about.map((told) => _("{told}.", { told })).join(" ");
  }

  /** Give each canvas as many pixels as the page shows, whatever its width. */
  fit() {
    const [height, width] = this.data.picture.shape;
    for (const { canvas } of this.panels) {
      canvas.style.aspectRatio = `${width} / ${height}`;
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * window.devicePixelRatio));
      canvas.height = Math.round((canvas.width * height) / width);
    }
    this.show();
  }
}

/** Build the explorer inside root. Needs DecompressionStream and reflected ARIA, as all browsers have since 2023. */
export async function mount(root, data) {
  return linked(new Explorer(root, revive(data, await unpack(data.bytes))));
}
