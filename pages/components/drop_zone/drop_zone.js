// A place for an image of the visitor's own: a file dropped anywhere on the page, pasted from the
// clipboard, or chosen. It hands the file to Streamlit's own uploader, which the page hides, so that
// uploads keep its limits; Python gets the file from there.
const MB = 2 ** 20, PATIENCE = 300;
// An iPhone hands over its HEIC photos as JPEG where these are asked for. With a mouse nothing is
// asked for: the end of a name would hide images (.jfif), and its content is what counts.
const WANTED = "image/jpeg,image/png,image/webp,image/avif,image/gif,image/bmp,image/tiff";
const touch = matchMedia("(pointer: coarse)");

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".zone");
  root.back = () => setTriggerValue("back", data.number);
  if (!root.update) start(root);
  root.update(data);
  return () => root.stop?.();
}

function start(root) {
  const find = (selector) => root.querySelector(selector);
  const take = find(".take"), title = find("b"), how = find(".how"), yours = find(".yours"), news = find(".news");
  let data = null, busy = null, timer = 0, depth = 0;

  const uploader = () => document.querySelector(`.st-key-${data.uploader}`);
  const input = () => uploader()?.querySelector("input[type=file]");

  function words() {
    title.textContent = busy ? "Uploading …" : data.title;
    how.textContent = busy ? busy : touch.matches ? "Take one, or choose a file" : "Drop it here, paste it, or choose a file";
    root.toggleAttribute("data-busy", !!busy);
    take.setAttribute("aria-label", `${data.title}: drop a file, paste an image, or press to choose a file`);
  }

  function give(file) {
    if (!file || busy) return;
    news.textContent = "";
    if (file.size > data.megabytes * MB) {
      news.textContent = `This file has ${Math.ceil(file.size / MB)} MB, and at most ${data.megabytes} MB can be read: choose a smaller one.`;
      return;
    }
    busy = file.name || "an image"; words();
    hand(file);
  }

  // Streamlit loads its uploader when a page first needs one: a quick visitor's file waits for it.
  function hand(file) {
    const bag = new DataTransfer(), target = input();
    clearInterval(timer);
    if (!target) { timer = setInterval(() => hand(file), PATIENCE); return; }
    bag.items.add(file);
    target.files = bag.files;
    target.dispatchEvent(new Event("change", { bubbles: true }));
    wait();
  }

  // Until Python has the file; if the uploader refuses it, it shows why itself.
  function wait() {
    timer = setInterval(() => {
      if (!uploader()?.querySelector("[data-testid=stFileChipIconError]")) return;
      done();
      news.textContent = "The upload did not work; the reason stands beside its name.";
    }, PATIENCE);
  }
  function done() { clearInterval(timer); busy = null; words(); }

  // A chooser of our own, so that it is known that a file was chosen.
  const chooser = document.createElement("input");
  chooser.type = "file";
  chooser.onchange = () => { give(chooser.files[0]); chooser.value = ""; };
  take.onclick = () => { chooser.accept = touch.matches ? WANTED : ""; chooser.click(); };
  yours.onclick = () => root.back();

  // Other places for files and text keep what is theirs.
  const elsewhere = (event) => event.composedPath().some((e) => e.matches?.("[data-testid=stFileUploaderDropzone], input, textarea, [contenteditable=true]"));
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const listeners = {
    paste: (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
      if (!file || elsewhere(event)) return;
      event.preventDefault(); give(file);
    },
    dragenter: (event) => { if (carries(event)) { depth += 1; root.toggleAttribute("data-over", true); } },
    dragleave: (event) => { if (carries(event)) { depth = Math.max(0, depth - 1); root.toggleAttribute("data-over", depth > 0); } },
    dragover: (event) => { if (carries(event) && !elsewhere(event)) event.preventDefault(); },
    drop: (event) => {
      depth = 0; root.toggleAttribute("data-over", false);
      if (!carries(event) || elsewhere(event)) return;
      event.preventDefault();
      const { files } = event.dataTransfer;
      give(files[0]);
      if (files.length > 1 && busy) news.textContent = `The first of these ${files.length} files is taken.`;
    },
  };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  root.stop = () => {
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
    clearInterval(timer); root.update = null;
  };

  // The answer to what was just handed in comes into view, where the screen is too small for both.
  function showResult() {
    const place = document.querySelector(`.st-key-${data.result}`);
    if (!place) return;
    const box = place.getBoundingClientRect(), high = window.innerHeight;
    if (box.top >= 0 && box.top + Math.min(box.height, high / 2) <= high) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    place.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
  }

  root.update = (fresh) => {
    const arrived = data && busy && fresh.number !== data.number;
    data = fresh;
    if (arrived) { done(); requestAnimationFrame(showResult); }
    yours.hidden = !data.yours;
    if (data.yours && find("img").src !== data.yours) find("img").src = data.yours;
    yours.setAttribute("aria-pressed", data.chosen);
    yours.title = "Back to your own image";
    words();
  };
}
