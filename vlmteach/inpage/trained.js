// What the models have never been asked: the questions to boards that no batch of training holds. The rules are those of
// vlmteach/pictures/scenes: sampling.py places the things, questions.py asks. A test draws scenes there and compares.

import { _ } from "../views/language.js";
import { answerTo, parsedQuestion } from "./scene.js";

const [, , COUNT, ROW, COLUMN, LEFT, ABOVE, LIKE] = Array(8).keys(); // of course.templates

/** What in this question to this board was never so in training: parts of a sentence, none if all was. */
export function newInQuestion(course, things, question) {
  const { near, far, things: usual, held_out: heldOut } = course;
  const apart = (a, b) => Math.max(Math.abs(a.row - b.row), Math.abs(a.column - b.column));
  const around = (leg) => Math.min(leg, course.cells - leg); // across the borders of the board
  const isFar = (a, b) => Math.max(around(Math.abs(a.row - b.row)), around(Math.abs(a.column - b.column))) >= far;
  const pairs = things.flatMap((a, i) => things.slice(i + 1).map((b) => [a, b]));
  const colours = new Set(things.map(({ colour }) => colour));
  const withheld = things.filter(({ colour, shape }) => heldOut.includes(`${colour} ${shape}`));

  const { asks, blanks } = parsedQuestion(course, question);
  const [one, other] = ["{a}", "{b}"].map((blank) => things.find(({ colour }) => colour === blanks[blank]));
  const beside = things.filter((thing) => thing !== one); // the two that must be neighbours

  const found = [
    answerTo(course, things, question) === null && _("every question had one right answer"),
    ...withheld.map(({ colour, shape }) => _("there was no {colour} {shape}", { colour, shape })),
    colours.size < things.length && _("no two things had one colour"),
    asks === LEFT && one && one.column === other?.column && _("“left of” was asked only of things in different columns"),
    asks === ABOVE && one && one.row === other?.row && _("“above” was asked only of things in different rows"),
    things.length !== usual && _("every board had {count} things", { count: usual }),
  ];
  if (things.length === usual) {
    const isNear = ([a, b]) => apart(a, b) <= near;
    const someNear = pairs.some(isNear);
    const allFar = pairs.every(([a, b]) => isFar(a, b));
    const where = ["left of", "above"][asks - LEFT];
    found.push(
      !someNear && !allFar && _("two things were neighbours, at most {near} cells apart, or else all things were {far} rows or columns apart", { near, far }),
      someNear && where && one && other && !isNear([one, other]) && _("“{where}” was asked only of neighbours, at most {near} cells apart, or where all things are {far} rows or columns apart", { where, near, far }),
      someNear && asks === LIKE && _("“shaped like” was asked only where all things are {far} rows or columns apart", { far }),
      someNear && [ROW, COLUMN].includes(asks) && one && !isNear(beside) && _("where two things are neighbours, at most {near} cells apart, “{which}” was asked only of the third", { near, which: asks === ROW ? "which row" : "which column" }),
      allFar && asks === COUNT && _("“how many” was asked only where two things are neighbours, at most {near} cells apart", { near }),
    );
  }
  return found.filter(Boolean);
}
