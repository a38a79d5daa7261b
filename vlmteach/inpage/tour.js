// The guided tour: each step says what to look at, lets the student predict, then drives the page to its state.

import { make } from "../views/dom.js";
import { readState } from "./state.js";

export function tourPart(explorer) {
  const { tour } = explorer.data;
  const title = make("h2", { tabIndex: -1 });
  const place = make("p", { className: "hint" });
  const ask = make("p", { className: "predict" });
  const choices = make("div", { className: "row" });
  const say = make("p", { className: "say", role: "status" });
  const button = (text, act, className = "") => {
    const made = make("button", { type: "button", className }, text);
    made.addEventListener("click", act);
    return made;
  };
  const go = (step) => enter(step, true);
  const back = button("Back", () => go(explorer.state.step - 1), "quiet");
  const next = button("Next", () => go(explorer.state.step + 1));
  const leave = button("End the tour", () => explorer.set({ step: null }), "quiet");
  const bar = make("div", { className: "row steps" }, back, next, place, leave);
  const element = make("section", { className: "tour", ariaLabel: "Guided tour" }, title, ask, choices, say, bar);
  element.addEventListener("keydown", (event) => event.key === "Escape" && explorer.set({ step: null }));
  let told = null; // the step whose sentence is shown, and what was predicted

  /** Drive the page to a step's state: everything that the step does not name stays at the start. */
  const drive = (step) => {
    const { hash } = tour[step - 1];
    return explorer.set({ ...readState(explorer.data, hash), only: explorer.state.only, step });
  };
  const enter = async (step, focus) => {
    if (step < 1 || step > tour.length) return void explorer.set({ step: null });
    told = tour[step - 1].predict ? null : { step };
    await (told ? drive(step) : explorer.set({ step }));
    if (focus) title.focus({ preventScroll: true });
  };
  const reveal = async (step, guess) => {
    told = { step, guess };
    await drive(step);
  };

  return {
    name: "tour",
    element,
    start: () => enter(1, true),
    show({ state }) {
      element.hidden = state.step === null;
      explorer.point(state.step === null ? null : tour[state.step - 1].look);
      if (state.step === null) return;
      const step = tour[state.step - 1];
      if (!step.predict) told = { step: state.step };
      const open = told?.step === state.step;
      title.textContent = step.title;
      place.textContent = `${state.step} of ${tour.length}`;
      ask.hidden = choices.hidden = !step.predict || open;
      if (step.predict && !open) {
        ask.textContent = step.predict.ask;
        const buttons = step.predict.choices.map((choice) => button(choice, () => reveal(state.step, choice)));
        choices.replaceChildren(...buttons);
      }
      const guess = told?.guess;
      const judged = guess ? (guess === step.predict.right ? "You saw that coming. " : `You said “${guess}”. `) : "";
      say.textContent = open ? judged + step.say : "";
      back.disabled = state.step === 1;
      next.textContent = state.step === tour.length ? "Finish" : "Next";
      next.disabled = !open;
    },
  };
}
