// Question and answer: what is asked, by which model, what it says, and how often it is right.

import { make } from "../views/dom.js";
import { _ } from "../views/language.js";
import { chips } from "./board.js";
import { placeText } from "./cells.js";
import { answerTo } from "./scene.js";
import { PLAIN } from "./state.js";

const SHOWN = 5; // answers in the chart
const BOARDS = 50; // in the test
export const percent = (share) => share.toFixed(2);

/** How many letters must change to make one word of another. */
function distance(one, other) {
  let line = Array.from({ length: other.length + 1 }, (_none, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(line[j] + 1, next[j - 1] + 1, line[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1));
    }
    line = next;
  }
  return line[other.length];
}

/** A question as word numbers, or {problem}: one sentence that says why the model cannot read it. */
export function readQuestion({ vocabulary, length }, question) {
  const words = question.toLowerCase().replaceAll("?", " ? ").split(/\s+/).filter(Boolean);
  if (!words.length || words.join("") === "?") return { problem: _("Type a question, or pick one below.") };
  if (words.at(-1) !== "?") words.push("?");
  const known = vocabulary.slice(1);
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) {
    const near = known.toSorted((a, b) => distance(unknown, a) - distance(unknown, b)).slice(0, 3);
    return { problem: _("The word “{word}” is unknown to this model. The nearest it knows: {near}.", { word: unknown, near: near.join(", ") }) };
  }
  if (words.length > length) {
    const told = { count: words.length, most: length };
    return { problem: _("The question has {count} words with its question mark; this model reads at most {most}.", told) };
  }
  return { words, numbers: words.map((word) => vocabulary.indexOf(word)) };
}

/** Questions about the things on the board, one of each kind, and what they mean where the page is not in English. */
function suggestions({ templates, shapes, colours, said }, things) {
  const seen = [...new Set(things.map(({ colour }) => colour)), ...colours];
  const [a, b] = [...new Set(seen)];
  const shape = things[0]?.shape ?? shapes[0];
  const filled = (text, say) => text.replace("{a}", say(a)).replace("{b}", say(b)).replace("{shape}", say(shape));
  return templates.map((template, i) => {
    const text = filled(template, (word) => word);
    const meaning = filled(said.templates[i], (word) => said.words[word]);
    return { text, meaning: meaning === text ? "" : meaning };
  });
}

export function questionPart(explorer) {
  const { course } = explorer.data;
  const line = make("input", { type: "text", id: "question-line", autocomplete: "off", spellcheck: false, maxLength: 120 });
  line.addEventListener("input", () => explorer.set({ ask: line.value }));
  const label = make("label", { htmlFor: line.id }, _("Ask about the picture, in the words this model knows"));
  const problem = make("p", { className: "problem" });
  const picks = make("div", { className: "row", role: "group", ariaLabel: _("Questions to pick") });
  const vocabulary = make("details", {}, make("summary", {}, _("All {count} words it knows", { count: course.vocabulary.length - 1 })));
  vocabulary.append(make("p", {}, course.vocabulary.slice(1).join(" · ")));
  return {
    name: "question",
    title: _("The question"),
    body: [label, line, problem, picks, vocabulary],
    show({ state, asked }) {
      if (document.activeElement !== line) line.value = state.ask;
      problem.textContent = asked.problem ?? "";
      line.ariaInvalid = Boolean(asked.problem);
      const texts = suggestions(course, state.scene);
      const all = texts.map(({ text }) => text).join();
      if (picks.dataset.texts === all) return;
      picks.dataset.texts = all;
      const buttons = texts.map(({ text, meaning }) => {
        const button = make("button", { type: "button", className: "pick" }, text.replace(" ?", "?"));
        if (meaning) button.append(make("span", { className: "meaning" }, meaning));
        button.addEventListener("click", () => {
          line.value = text;
          explorer.set({ ask: text });
        });
        return button;
      });
      picks.replaceChildren(...buttons);
    },
  };
}

/** The pairs of image encoder and connector whose weights the page has, and the exam of the chosen one. */
export function modelsPart(explorer) {
  const { models } = explorer.data;
  const names = Object.keys(models);
  const title = (name) => `${models[name].encoder} → ${models[name].connector}`;
  const pairs = chips(_("Image encoder → connector"), names, (eye) => explorer.set({ eye }), (name) => [title(name)]);
  const why = make("p", { className: "hint" }, _("These {count} pairs have trained weights in this page, so each encoder comes with its connector.", { count: names.length }));
  const facts = make("p", { className: "hint" });
  const exam = make("ol", { className: "bars exam-bars" });
  const told = make("p", { className: "hint" }, _("Its exam: share of right answers on boards it never saw, as recorded. The line is what guessing gets."));
  return {
    name: "models",
    title: _("The model"),
    body: [...(names.length > 1 ? [pairs.element, why] : [make("p", {}, title(names[0]))]), facts, told, exam],
    show({ state }) {
      pairs.mark(state.eye);
      facts.textContent = models[state.eye].explains;
      exam.style.setProperty("--eye", models[state.eye].hue);
      exam.replaceChildren(...models[state.eye].exam.map(examBar));
    },
  };
}

export function answerPart(explorer) {
  const word = make("p", { className: "answer" });
  const verdict = make("p", { className: "verdict" });
  const isNew = make("p", { className: "new" });
  const bars = make("ol", { className: "bars" });
  const without = make("p", { className: "hint" });
  const test = make("button", { type: "button" }, _("Ask this on {count} random boards", { count: BOARDS }));
  const grade = make("p", { className: "grade", role: "status" });
  test.addEventListener("click", () => {
    const [hits, about] = examine(explorer);
    grade.replaceChildren(make("b", {}, hits), about);
  });
  return {
    name: "answer",
    title: _("The answer"),
    body: [word, verdict, isNew, bars, without, make("div", { className: "exam" }, test, grade)],
    show({ state, asked, probabilities, answer, right, news, hidden }) {
      const gradeOf = `${state.eye} ${asked.words?.join(" ")}`;
      if (grade.dataset.of !== gradeOf) Object.assign(grade, { textContent: "" }).dataset.of = gradeOf;
      test.disabled = !answer;
      if (!answer) {
        Object.assign(word, { textContent: "…", className: "answer" });
        for (const part of [verdict, isNew, without]) part.textContent = "";
        bars.replaceChildren();
        return;
      }
      const judge = (name) => (name === right ? "right" : right && name === answer ? "wrong" : "");
      Object.assign(word, { textContent: answer, className: `answer ${judge(answer)}` });
      const judged = { className: "verdict none", textContent: _("This question has no one right answer here.") };
      if (right) judged.className = `verdict ${judge(answer)}`;
      if (right) judged.textContent = right === answer ? _("✓ That is right.") : _("✗ That is wrong. The right answer is {right}.", { right });
      Object.assign(verdict, judged);
      isNew.textContent = news.length ? newsText(news) : "";
      const first = probabilities.slice(0, SHOWN);
      const shown = !right || first.some(([name]) => name === right) ? first : [...first.slice(0, -1), probabilities.find(([name]) => name === right)];
      bars.replaceChildren(...shown.map(([name, share]) => bar(name, share, hidden?.likelihood.get(name), judge(name))));
      without.textContent = "";
      if (hidden) {
        const then = { cell: placeText(state.hide), answer: hidden.answer, share: percent(hidden.likelihood.get(hidden.answer)) };
        without.textContent = _("Thin bars: with {cell} hidden. Then it says “{answer}”, {share}.", then);
      }
    },
  };
}

/** What was new in a question, in a sentence. */
export function newsText(found) {
  const news = found.join(_(", and "));
  return _("New to this model: in its training, {news}.", { news });
}

/** A family of questions: how often it was right, and what the family asks. */
function examBar({ family, accuracy, guess, asks, example }) {
  const row = bar(family, accuracy);
  const line = make("i", { className: "guess" });
  line.style.left = `${100 * guess}%`;
  row.querySelector(".track").append(line);
  row.append(make("span", { className: "asks" }, _("{asks}: “{example}”", { asks, example: example.replace(" ?", "?") })));
  return row;
}

const MARKS = { right: ["✓", _("right answer")], wrong: ["✗", _("its answer, wrong")] };

/** A share from 0 to 1, and the same with a cell hidden. judged: "right", "wrong", or neither. */
function bar(name, share, hidden, judged = "") {
  const track = make("span", { className: "track" });
  const fill = (className, value) => {
    const part = make("i", { className });
    part.style.width = `${100 * value}%`;
    track.append(part);
  };
  fill("fill", share);
  if (hidden !== undefined) fill("fill thin", hidden);
  const label = make("span", { className: "name" }, name);
  const [mark, meaning] = MARKS[judged] ?? [];
  if (mark) label.append(make("span", { role: "img", ariaLabel: meaning }, ` ${mark}`));
  return make("li", { className: judged }, label, track, make("span", { className: "value" }, percent(share)));
}

/** Ask on random boards of things that the model was trained on: how often it was right, and what that is about. */
function examine(explorer) {
  const { course, models } = explorer.data;
  const { asked } = explorer.result;
  const drawn = randomBoards(course, asked.words, BOARDS);
  if (!drawn.length) return ["", _("This question has no right answer on any board, so it cannot be graded.")];
  const counts = new Map();
  let hits = 0;
  for (const { scene, right } of drawn) {
    counts.set(right, (counts.get(right) ?? 0) + 1);
    if (explorer.ask(scene, asked.numbers).answer === right) hits++;
  }
  const [common, times] = [...counts].toSorted((a, b) => b[1] - a[1])[0];
  const question = asked.words.join(" ").replace(" ?", "?");
  const { encoder, connector } = models[explorer.state.eye];
  const about = { question, encoder, connector, common, times };
  return [
    _("{hits} of {count} right.", { hits, count: drawn.length }),
    _(" “{question}” was asked of {encoder} → {connector}, not on your board but on random ones: three things each, no two in one row or column. Always saying “{common}” would get {times}.", about),
  ];
}

/** Boards with a right answer, the same ones every time: three colours, and no two things in one row or column. */
function randomBoards(course, words, wanted) {
  let seed = 1;
  const below = (bound) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    return Math.floor((seed / 2 ** 32) * bound);
  };
  const take = (list) => list.splice(below(list.length), 1)[0];
  const boards = [];
  for (let attempt = 0; attempt < 40 * wanted && boards.length < wanted; attempt++) {
    const named = words.filter((word) => course.colours.includes(word));
    const colours = course.colours.filter((colour) => !named.includes(colour));
    const [rowsLeft, columnsLeft] = [0, 1].map(() => Array.from({ length: course.cells }, (_none, i) => i + 1));
    const scene = [0, 1, 2].map((i) => {
      const colour = named[i] ?? take(colours);
      const shape = take(course.shapes.filter((one) => !course.held_out.includes(`${colour} ${one}`)));
      return { shape, colour, row: take(rowsLeft), column: take(columnsLeft), ...PLAIN };
    });
    const right = answerTo(course, scene, words.join(" "));
    // as many boards for yes as for no, so that nobody is right by always saying the same
    const enough = ["yes", "no"].includes(right) && boards.filter((board) => board.right === right).length >= wanted / 2;
    if (right && !enough) boards.push({ scene, right });
  }
  return boards;
}
