// Scenes as vlmteach/pictures draws and answers them: the same bytes, the same words. A thing is {shape, colour, row,
// column, size, down, right} as in Python, rows and columns counted from 1. `course` holds the words and numbers.

/** How much of each of its size × size pixels a thing covers: 0 to 16. */
function cover(shape, size) {
  const inside = {
    circle: (u, v) => u ** 2 + v ** 2 <= 1,
    square: (u, v) => Math.max(Math.abs(u), Math.abs(v)) <= 0.9,
    triangle: (u, v) => Math.abs(u) <= (v + 1) / 2,
    cross: (u, v) => Math.min(Math.abs(u), Math.abs(v)) <= 0.35,
  }[shape];
  const at = (part) => (part + 0.5) / (2 * size) - 1; // the middles of 4 × 4 parts of each pixel
  const covered = new Uint8Array(size * size);
  for (let y = 0; y < 4 * size; y++) {
    for (let x = 0; x < 4 * size; x++) covered[(y >> 2) * size + (x >> 2)] += inside(at(x), at(y)) ? 1 : 0;
  }
  return covered;
}

/** The picture of some things: bytes (3, H, W), the empty board in grey. */
export function drawScene(course, things) {
  const side = course.cell * course.cells;
  const pixels = new Uint8Array(3 * side * side).fill(course.grey);
  for (const { shape, colour, row, column, size, down, right } of things) {
    const rgb = course.rgb[course.colours.indexOf(colour)];
    cover(shape, size).forEach((covered, i) => {
      const y = (row - 1) * course.cell + down + Math.floor(i / size);
      const x = (column - 1) * course.cell + right + (i % size);
      for (let channel = 0; channel < 3; channel++) {
        const at = (channel * side + y) * side + x;
        pixels[at] = (pixels[at] * (16 - covered) + rgb[channel] * covered + 8) >> 4;
      }
    });
  }
  return pixels;
}

/** The same picture with one cell in the colour of the empty board. */
export function hideCell(course, pixels, row, column) {
  const side = course.cell * course.cells;
  const hidden = pixels.slice();
  for (let line = 0; line < 3 * side; line++) {
    const inside = Math.floor((line % side) / course.cell) === row - 1;
    const start = line * side + (column - 1) * course.cell;
    if (inside) hidden.fill(course.grey, start, start + course.cell);
  }
  return hidden;
}

/** Bytes (3, H, W) as the model reads them, 0 to 1. */
export function asImage(course, pixels) {
  const side = course.cell * course.cells;
  return { shape: [3, side, side], values: new Float32Array(pixels).map((byte) => byte / 255) };
}

/** Which of the templates a question is, -1 for none, and the word in each of its blanks. */
export function parsedQuestion(course, question) {
  const words = question.toLowerCase().replaceAll("?", "").split(/\s+/).filter(Boolean);
  const asks = course.templates.findIndex((template) => {
    const expected = template.split(" ").slice(0, -1);
    return expected.length === words.length && expected.every((word, i) => word.startsWith("{") || word === words[i]);
  });
  const filled = (course.templates[asks] ?? "").split(" ").map((word, i) => [word, words[i]]);
  return { asks, blanks: Object.fromEntries(filled.filter(([word]) => word.startsWith("{"))) };
}

/** The right answer to a question about things, or null where Python has a sentence: there is none. */
export function answerTo(course, things, question) {
  const { asks, blanks } = parsedQuestion(course, question);
  if (blanks["{shape}"] && !course.shapes.includes(blanks["{shape}"])) return null;
  const shaped = things.filter((thing) => thing.shape === blanks["{shape}"]);
  if (asks === 2) return course.vocabulary.includes(String(shaped.length)) ? String(shaped.length) : null;
  if (asks === 1) return shaped.length === 1 ? shaped[0].colour : null;
  const coloured = (colour) => things.filter((thing) => thing.colour === colour);
  const [[first, ...more], [second, ...others]] = ["{a}", "{b}"].map((blank) => coloured(blanks[blank]));
  if (!first || more.length) return null;
  if (asks < 5) return [first.shape, null, null, String(first.row), String(first.column)][asks];
  if (!second || others.length || second === first) return null;
  return [first.column < second.column, first.row < second.row, first.shape === second.shape][asks - 5] ? "yes" : "no";
}
