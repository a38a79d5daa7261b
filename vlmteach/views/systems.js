// The table of real systems: a grid of cells, and below it what lies in the chosen one. Shows what it is given.

import { _ } from "./language.js";

const make = (tag, { text, ...attributes } = {}, ...children) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text; // never innerHTML: names and sentences stay text
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

export function mount(root, data) {
  const details = make("section", { "aria-live": "polite" });
  const cells = data.cells.map((line, row) => line.map((cell, column) => makeCell(data, row, column, cell)));
  const at = { row: 0, column: 0 };

  const choose = (row, column, focus) => {
    const last = cells[at.row][at.column];
    last.tabIndex = -1;
    last.setAttribute("aria-selected", "false");
    Object.assign(at, { row, column });
    const cell = cells[row][column];
    cell.tabIndex = 0;
    cell.setAttribute("aria-selected", "true");
    if (focus) cell.focus();
    details.replaceChildren(...describe(data, row, column));
  };

  const head = make("tr", {}, make("td", { style: "visibility: hidden" }));
  for (const column of data.columns) head.append(make("th", { scope: "col", title: column.explains, text: column.title }));
  const body = make("tbody");
  data.rows.forEach((row, index) => {
    const style = `--hue: ${data.hues[row.family]}`;
    const title = make("th", { scope: "row", title: row.explains, text: row.title });
    body.append(make("tr", { style }, title, ...cells[index]));
  });
  const table = make("table", { role: "grid", "aria-label": data.title }, make("thead", {}, head), body);

  cells.forEach((line, row) =>
    line.forEach((cell, column) => cell.addEventListener("click", () => choose(row, column, true))),
  );
  table.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const columns = data.columns.length;
    let target;
    if (step) target = [at.row + step[0], at.column + step[1]];
    else if (event.key === "Home") target = [event.ctrlKey ? 0 : at.row, 0];
    else if (event.key === "End") target = [event.ctrlKey ? data.rows.length - 1 : at.row, columns - 1];
    else return;
    event.preventDefault();
    const inside = (value, count) => Math.min(Math.max(value, 0), count - 1);
    choose(inside(target[0], data.rows.length), inside(target[1], columns), true);
  });

  const help =
    _("Click a cell, or move with the arrow keys (Home and End: first and last of a row).") +
    _(" A cell without a system runs, too.");
  root.replaceChildren(make("div", { class: "table" }, table), make("p", { class: "help", text: help }), details);
  const first = data.cells.findIndex((line) => line.some((cell) => cell.systems.length));
  choose(first, data.cells[first].findIndex((cell) => cell.systems.length), false);
}

function makeCell(data, row, column, cell) {
  const kind = cell.systems.length ? "filled" : cell.refusal ? "refused" : "empty";
  const element = make("td", { role: "gridcell", class: kind, tabindex: "-1", "aria-selected": "false" });
  for (const { name, year } of cell.systems) {
    element.append(make("div", {}, make("span", { text: `${name} ` }), make("span", { class: "year", text: year })));
  }
  if (kind === "empty") element.append(make("span", { text: "–" }));
  if (kind === "refused") element.append(make("span", { text: _("not possible") }));
  return element;
}

function describe(data, row, column) {
  const cell = data.cells[row][column];
  const parts = [make("h2", { text: `${data.rows[row].title} + ${data.columns[column].title.toLowerCase()}` })];
  parts.push(make("p", { text: data.rows[row].explains }), make("p", { text: data.columns[column].explains }));
  if (cell.refusal) return [...parts, make("h3", { text: _("Not possible") }), make("p", { text: cell.refusal })];
  for (const system of cell.systems) {
    const facts = system.facts.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]);
    parts.push(make("h3", { text: `${system.name} (${system.year})` }), make("dl", {}, ...facts));
  }
  if (!cell.systems.length) parts.push(make("p", { text: _("No system of this table is built so.") }));
  const label = _("The same with the parts of this course");
  return [...parts, make("h3", { text: label }), make("pre", { tabindex: "0", "aria-label": label, text: cell.code })];
}
