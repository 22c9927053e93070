// The report of a mock interview, as Markdown and as elements.
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const tickedOf = (turn) => `${turn.ticked.length} of ${turn.points.length}`;
function toRead(questions, turns) {
  // A question with a point that was not ticked, its follow-ups' points among them.
  return questions.filter((q) => turns.some((turn) => turn.number === q.number && turn.ticked.length < turn.points.length));
}
function markdown(questions, turns, started) {
  const lines = ["# Mock interview, CNN-Lytical", "", started, "", "| Question | Time | Key points |", "| --- | --- | --- |"];
  for (const turn of turns) lines.push(`| ${turn.follow ? "↳ " : ""}${turn.ask.replaceAll("|", "\\|")} | ${minutes(turn.seconds)} | ${tickedOf(turn)} |`);
  for (const turn of turns) {
    lines.push("", `## ${turn.ask}`, "", turn.answer.trim() ? turn.answer.trim().split("\n").map((line) => `> ${line}`).join("\n") : "> (nothing written)", "");
    turn.points.forEach((point, i) => lines.push(`- [${turn.ticked.includes(i) ? "x" : " "}] ${point}`));
  }
  const again = toRead(questions, turns);
  if (again.length) lines.push("", "## Read again", "");
  for (const q of again) lines.push(`- Question ${q.number}, ${q.title}: ${q.again.map((page) => page.title).join(", ")}`);
  return `${lines.join("\n")}\n`;
}
