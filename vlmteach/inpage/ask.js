// The page on which a tiny vision-language model answers. All controls, links, tours and frames go through one door,
// explorer.set(change); explorer.result holds what came out.

import { fromBase64 } from "../views/bytes.js";
import { make } from "../views/dom.js";
import { _ } from "../views/language.js";
import { followLinks, keepLink } from "../views/link.js";
import { answerPart, modelsPart, newsText, percent, questionPart, readQuestion } from "./asking.js";
import { boardPart } from "./board.js";
import { placeText } from "./cells.js";
import { attentionPart, hidingPart, layersPart, numbersPart } from "./inside.js";
import { build, run } from "./model.js";
import { answerTo, asImage, drawScene, hideCell } from "./scene.js";
import { readState, writeState } from "./state.js";
import { tourPart } from "./tour.js";
import { newInQuestion } from "./trained.js";
import { unpackTensors } from "./weights.js";

/** The browser may paint and hear the person before what comes next. */
const breath = () => new Promise((resolve) => setTimeout(resolve));

class Explorer {
  constructor(root, data) {
    this.data = data;
    this.loaded = new Map();
    this.state = readState(data, "");
    this.changes = 0;
    this.tour = tourPart(this);
    this.hiding = hidingPart(this);
    const above = [boardPart, questionPart, modelsPart, answerPart, layersPart, attentionPart].map((part) => part(this));
    this.parts = [...above, this.hiding, numbersPart(this)];
    this.build(root);
  }

  build(root) {
    const { title, lead, download } = this.data;
    const start = make("button", { type: "button" }, _("Guided tour"));
    start.addEventListener("click", () => this.tour.start());
    this.link = make("a", { className: "button quiet", title: _("Copy this address: it opens the page as it is now.") }, _("Link to this"));
    this.start = start;
    const head = make("header", {}, make("h1", {}, title), make("p", { className: "lead" }, lead), make("div", { className: "row" }, start, this.link));
    for (const part of this.parts) {
      const heading = make("h2", {}, part.title);
      part.element = make("section", { className: "card", ariaLabel: part.title }, heading, ...part.body);
      part.element.dataset.part = part.name;
    }
    this.said = make("p", { className: "said", role: "status" });
    const foot = make("footer", {}, download);
    const view = make("div", { className: "ask" }, head, ...this.parts.map(({ element }) => element), this.said, foot, this.tour.element);
    view.classList.toggle("framed", window.parent !== window);
    root.replaceChildren(view);
    this.view = view;
  }

  /** Open the page as a link says. */
  open(hash) {
    return this.set(readState(this.data, hash));
  }

  /** The one door: change something, answer, show it; then hide every cell in turn and show that. */
  async set(change) {
    Object.assign(this.state, change);
    const mine = ++this.changes;
    const { eye } = this.state;
    if (!this.loaded.has(eye)) {
      const { module, tensors } = this.data.models[eye];
      const model = build(module, await unpackTensors(tensors));
      this.loaded.set(eye, { model });
      if (mine !== this.changes) return;
    }
    this.result = this.answer();
    this.show();
    keepLink(writeState(this.state));
    if (!this.result.answer) return;
    await breath();
    if (mine !== this.changes) return;
    this.result.drop = this.drop();
    this.hiding.show(this.result);
  }

  /** One look of the model at things: all of run()'s, and the words by their likelihood. */
  ask(scene, numbers, hide = null) {
    const { course } = this.data;
    const pixels = drawScene(course, scene);
    const shown = hide ? hideCell(course, pixels, hide.row, hide.column) : pixels;
    const found = run(this.loaded.get(this.state.eye).model, asImage(course, shown), numbers);
    const words = course.vocabulary.map((word, i) => [word, found.probabilities[i]]);
    const ranked = words.toSorted((a, b) => b[1] - a[1]);
    return { ...found, pixels: shown, ranked, likelihood: new Map(words), answer: ranked[0][0] };
  }

  answer() {
    const { course } = this.data;
    const state = { ...this.state };
    const asked = readQuestion(course, state.ask);
    const pixels = drawScene(course, state.scene);
    const hiddenPixels = state.hide && hideCell(course, pixels, state.hide.row, state.hide.column);
    if (asked.problem) return { state, asked, pixels, hiddenPixels };
    const seen = this.ask(state.scene, asked.numbers);
    const hidden = state.hide && this.ask(state.scene, asked.numbers, state.hide);
    const compared = hidden ?? this.ask([], asked.numbers);
    const right = answerTo(course, state.scene, state.ask);
    const news = newInQuestion(course, state.scene, state.ask);
    const { ranked: probabilities, answer } = seen;
    return { state, asked, pixels, hiddenPixels, seen, hidden, compared, right, news, probabilities, answer };
  }

  /** By how much the answer's likelihood falls when a cell is hidden. Hiding an empty cell changes no pixel. */
  drop() {
    const { state, asked, seen, answer } = this.result;
    const { cells } = this.data.course;
    const drop = new Float32Array(cells * cells);
    for (const { row, column } of state.scene) {
      const without = this.ask(state.scene, asked.numbers, { row, column });
      drop[(row - 1) * cells + column - 1] = seen.likelihood.get(answer) - without.likelihood.get(answer);
    }
    return drop;
  }

  show() {
    const { only, step } = this.state;
    for (const part of this.parts) {
      part.show(this.result);
      const asked = ["board", "question", "answer"].includes(part.name) && only.includes("ask");
      part.element.hidden = only.length > 0 && !asked && !only.includes(part.name);
    }
    this.said.textContent = this.sentence();
    this.view.classList.toggle("only", only.length > 0);
    this.view.classList.toggle("touring", step !== null);
    this.tour.show(this.result);
    this.link.href = writeState(this.state);
    this.start.hidden = !this.data.tour.length || step !== null;
  }

  /** What a screen reader hears: the answer, whether it is right, and what hiding did. */
  sentence() {
    const { asked, answer, right, news, likelihood = this.result.seen?.likelihood, hidden, state } = this.result;
    if (asked.problem) return asked.problem;
    const question = asked.words.join(" ");
    const said = [_("{question} It answers {answer}, {share}.", { question, answer, share: percent(likelihood.get(answer)) })];
    said.push(right ? _("Right is {right}.", { right }) : _("No one answer is right."));
    if (news.length) said.push(newsText(news));
    if (hidden) {
      const then = { cell: placeText(state.hide), answer: hidden.answer, share: percent(hidden.likelihood.get(hidden.answer)) };
      said.push(_("With {cell} hidden it says {answer}, {share}.", then));
    }
    return said.join(" ");
  }

  /**
   * Mark the part that the tour speaks of and bring it into view, above the tour; while the tour waits for a prediction,
   * veil what came out and show the board.
   */
  point(name, waits) {
    this.view.classList.toggle("waits", waits);
    if (waits) this.said.textContent = "";
    for (const part of this.parts) part.element.classList.toggle("looked", part.name === name);
    const pointed = `${this.state.step} ${waits}`;
    if (pointed === this.pointed) return; // a person may have scrolled since
    this.pointed = pointed;
    const looked = this.parts.find((part) => part.name === name);
    if (!looked) return;
    const tall = this.tour.element.offsetHeight;
    this.view.style.setProperty("--tour", `${tall}px`);
    const fits = looked.element.offsetHeight < window.innerHeight - tall - 50;
    if (waits) this.view.scrollIntoView({ block: "start" });
    else looked.element.scrollIntoView({ block: fits ? "nearest" : "start" });
  }
}

/** Build the page inside root. Needs light-dark(), DecompressionStream and toSorted, as all browsers have since 2024. */
export async function mount(root, data) {
  const explorer = new Explorer(root, { ...data, colours: fromBase64(data.colours) });
  window.explorer = explorer;
  followLinks((hash) => explorer.open(hash));
  window.addEventListener("message", ({ data: sent }) => {
    if (["light", "dark"].includes(sent?.theme)) document.documentElement.style.colorScheme = sent.theme;
  });
  await explorer.open(window.location.hash);
  return explorer;
}
