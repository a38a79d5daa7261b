// What a person can change on the page, and how it stands in a link. Every part is read by itself: a part that is
// damaged, or that this page does not know, leaves the start's in its place.

import { readLink, writeLink } from "../views/link.js";

export const PLAIN = { size: 6, down: 1, right: 1 }; // of a thing that is placed by hand

const cellText = ({ row, column }) => `${row}-${column}`;
const thingText = ({ colour, shape, row, column, ...rest }) => {
  const parts = [colour, shape, row, column];
  const plain = Object.keys(PLAIN).every((key) => rest[key] === PLAIN[key]);
  return [...parts, ...(plain ? [] : [rest.size, rest.down, rest.right])].join("-");
};

/** "is-red-left-of-blue" <-> "is red left of blue ?" */
const asText = (question) => question.replace(/\s*\?\s*$/, "").trim().split(/\s+/).join("-");
const asQuestion = (text) => `${text.split("-").join(" ").slice(0, 120)} ?`;

function readCell(course, text) {
  const found = /^(\d)-(\d)$/.exec(text);
  if (!found) return undefined;
  const [row, column] = [Number(found[1]), Number(found[2])];
  const inside = Math.min(row, column) >= 1 && Math.max(row, column) <= course.cells;
  return inside ? { row, column } : undefined;
}

function readThing(course, text) {
  const [colour, shape, row, column, ...rest] = text.split("-");
  const cell = readCell(course, `${row}-${column}`);
  if (!cell || !course.colours.includes(colour) || !course.shapes.includes(shape)) return undefined;
  const [size, down, right] = rest.map(Number);
  const fits = rest.length === 3 && course.sizes.includes(size);
  const within = fits && [down, right].every((gap) => Number.isInteger(gap) && gap >= 0 && gap <= course.cell - size);
  return { colour, shape, ...cell, ...(within ? { size, down, right } : PLAIN) };
}

/** Things of a link, one to a cell: of two in one cell the first stays. */
function readScene(course, text) {
  const things = text.split(",").map((part) => readThing(course, part));
  const taken = new Set();
  return things.filter((thing) => thing && !taken.has(cellText(thing)) && taken.add(cellText(thing)));
}

/** The whole state that a hash stands for: the start, and what the hash says otherwise. */
export function readState(data, hash) {
  const given = readLink(hash);
  const { course, models, parts, tour } = data;
  const eyes = Object.keys(models);
  const readers = {
    eye: (text) => eyes.find((name) => name === text) ?? eyes.find((name) => text && name.split("/").includes(text)),
    scene: (text) => readScene(course, text),
    ask: (text) => (text ? asQuestion(text) : ""),
    hide: (text) => readCell(course, text),
    cell: (text) => readCell(course, text),
    layer: (text) => text,
    tensor: (text) => text,
    step: (text) => (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= tour.length ? Number(text) : undefined),
    only: (text) => text.split(",").filter((part) => part === "ask" || parts.includes(part)),
  };
  const state = { ...data.start };
  for (const [key, read] of Object.entries(readers)) {
    const value = key in given ? read(given[key]) : undefined;
    if (value !== undefined) state[key] = value;
  }
  return state;
}

export function writeState({ eye, scene, ask, hide, cell, layer, tensor, step, only }) {
  const cells = { hide: hide && cellText(hide), cell: cell && cellText(cell) };
  return writeLink({ eye, scene: scene.map(thingText).join(","), ask: asText(ask), ...cells, layer, tensor, step, only: only.join(",") });
}
