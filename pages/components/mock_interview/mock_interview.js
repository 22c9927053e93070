// A mock interview. Nothing is sent anywhere: questions come with the page, and what is written
// stays in this tab.
const KEPT = "cnn-lytical-mock-interview";
const COUNTS = [[3, "Three at random"], [5, "Five at random"], [0, "I choose"]];

export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".mock");
  if (root.started) return;
  root.started = true;
  start(root, data.questions);
}

function start(root, questions) {
  let state = load();
  let clock = 0;
  const save = () => { try { sessionStorage.setItem(KEPT, JSON.stringify(state)); } catch { /* a private window */ } };
  const clear = () => { state = { screen: "choose", count: 3, chosen: [], follow: true }; save(); };
  if (!state) clear();
  function load() { try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; } }

  const element = (tag, content, attributes = {}) => {
    const one = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) name === "class" ? (one.className = value) : one.setAttribute(name, value);
    one.append(...[content].flat().filter((part) => part !== undefined && part !== null));
    return one;
  };
  const button = (text, action, main) => Object.assign(element("button", text, { type: "button", ...(main ? { class: "main" } : {}) }), { onclick: action });
  const tick = (text, checked, change) => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked });
    box.onchange = () => { change(box.checked); save(); };
    return element("label", [box, element("span", text)], { class: "tick" });
  };
  function screen(...parts) {
    clearInterval(clock);
    root.replaceChildren(...parts);
    const first = root.querySelector("[data-first]");
    if (first && root.seen) { first.tabIndex = -1; first.focus({ preventScroll: false }); }
    root.seen = true;
    root.dataset.screen = state.screen;
    save();
  }

  function choose() {
    const list = element("div", questions.map((q) => tick(`${q.number} ${q.title}`, state.chosen.includes(q.number), (on) => {
      state.chosen = on ? [...state.chosen, q.number] : state.chosen.filter((n) => n !== q.number);
      go.disabled = state.count === 0 && !state.chosen.length;
    })), { class: "chosen", role: "group", "aria-label": "Questions" });
    const go = button("Start", begin, true);
    const counts = COUNTS.map(([count, text]) => {
      const one = button(text, () => { state.count = count; choose(); });
      one.setAttribute("aria-pressed", state.count === count);
      return one;
    });
    go.disabled = state.count === 0 && !state.chosen.length;
    screen(
      element("p", "An interviewer asks; you answer aloud or in writing, and the clock runs. Then you see the key points and tick what you said."),
      element("p", "Nothing that you write leaves this browser tab.", { class: "soft" }),
      element("div", counts, { class: "buttons" }),
      ...(state.count === 0 ? [list] : []),
      tick("With a follow-up after each question", state.follow, (on) => { state.follow = on; }),
      element("div", go, { class: "buttons" }),
    );
  }

  function begin() {
    const shuffled = questions.map((q) => [Math.random(), q]).sort((a, b) => a[0] - b[0]).map(([, q]) => q);
    const asked = state.count ? shuffled.slice(0, state.count) : questions.filter((q) => state.chosen.includes(q.number));
    const turn = (q, ask, points, follow) => ({ number: q.number, ask, points, follow, answer: "", ticked: [], seconds: 0 });
    state.turns = asked.flatMap((q) => {
      const next = q.follow_ups[Math.floor(Math.random() * q.follow_ups.length)];
      return [turn(q, q.ask, q.points, false), ...(state.follow && next ? [turn(q, next.ask, next.points, true)] : [])];
    });
    Object.assign(state, { screen: "answer", at: 0, begun: Date.now(), started: new Date().toLocaleString() });
    answer();
  }

  function head(turn, time) {
    const place = `${state.at + 1} of ${state.turns.length}${turn.follow ? ", a follow-up" : ""}`;
    return [element("div", [element("span", place, { class: "soft" }), time], { class: "bar" }), element("p", `“${turn.ask}”`, { class: "ask", "data-first": "" })];
  }

  function answer() {
    const turn = state.turns[state.at];
    const shown = element("span", "", { class: "clock", role: "timer", "aria-label": "Time for this question" });
    const text = Object.assign(element("textarea", "", { "aria-label": "Your answer", placeholder: "Say it aloud. Notes go here." }), { value: turn.answer });
    text.oninput = () => { turn.answer = text.value; save(); };
    screen(...head(turn, shown), text, element("div", [button("I have answered", () => {
      turn.seconds = (Date.now() - state.begun) / 1000;
      state.screen = "points";
      points();
    }, true), button("Stop here", finish)], { class: "buttons" }));
    const run = () => { shown.textContent = minutes((Date.now() - state.begun) / 1000); };
    run();
    clock = setInterval(run, 250);
  }

  function points() {
    const turn = state.turns[state.at], last = state.at === state.turns.length - 1;
    const boxes = turn.points.map((point, i) => tick(point, turn.ticked.includes(i), (on) => {
      turn.ticked = on ? [...turn.ticked, i].sort((a, b) => a - b) : turn.ticked.filter((k) => k !== i);
    }));
    screen(
      ...head(turn, element("span", minutes(turn.seconds), { class: "clock" })),
      ...(turn.answer.trim() ? [element("div", turn.answer, { class: "mine" })] : []),
      element("fieldset", [element("legend", "What did you say?"), ...boxes]),
      element("div", button(last ? "See the report" : "Next", () => {
        if (last) return finish();
        Object.assign(state, { at: state.at + 1, screen: "answer", begun: Date.now() });
        answer();
      }, true), { class: "buttons" }),
    );
  }

  function finish() {
    state.turns = state.turns.filter((turn, i) => i < state.at || (i === state.at && (turn.seconds || turn.answer)));
    const open = state.turns[state.at];
    if (open && !open.seconds) open.seconds = (Date.now() - state.begun) / 1000;
    state.screen = "report";
    report();
  }

  function report() {
    const turns = state.turns, again = toRead(questions, turns);
    const said = turns.reduce((sum, t) => sum + t.ticked.length, 0), all = turns.reduce((sum, t) => sum + t.points.length, 0);
    const table = element("table", [
      element("thead", element("tr", ["Question", "Time", "Key points"].map((text) => element("th", text, { scope: "col" })))),
      element("tbody", turns.map((turn) => element("tr", [element("td", turn.ask, turn.follow ? { class: "follow" } : {}), element("td", minutes(turn.seconds)), element("td", tickedOf(turn))]))),
    ]);
    const missed = again.map((q) => {
      const open = turns.filter((t) => t.number === q.number).flatMap((t) => t.points.filter((_, i) => !t.ticked.includes(i)));
      const links = [{ title: `Question ${q.number}: ${q.title}`, href: q.href }, ...q.again].flatMap((page, i) => [i ? " · " : "", element("a", page.title, { href: page.href, target: "_self" })]);
      return element("div", [element("p", links), element("ul", open.map((point) => element("li", point)))]);
    });
    const answers = turns.filter((turn) => turn.answer.trim()).flatMap((turn) => [element("p", element("strong", turn.ask)), element("div", turn.answer, { class: "mine" })]);
    screen(
      element("h2", turns.length ? `${said} of ${all} key points, ${minutes(turns.reduce((sum, t) => sum + t.seconds, 0))} in all` : "Nothing was answered", { "data-first": "" }),
      ...(turns.length ? [table] : []),
      ...(again.length ? [element("h2", "Read again"), ...missed] : turns.length ? [element("p", "You said all of it.")] : []),
      ...(answers.length ? [element("h2", "What you wrote"), ...answers] : []),
      element("div", [
        ...(turns.length ? [button("Download as Markdown", download, true), button("Print", () => window.print())] : []),
        button("Another interview", () => { clear(); choose(); }),
      ], { class: "buttons" }),
    );
  }

  function download() {
    const file = new Blob([markdown(questions, state.turns, state.started)], { type: "text/markdown" });
    const link = element("a", "", { href: URL.createObjectURL(file), download: "mock-interview.md" });
    root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  ({ choose, answer, points, report })[state.screen]?.() ?? 0;
}
