"use strict";
// Starts the preview, follows its log, and loads the address again as soon as the proxy routes it.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const token = $("room").dataset.token;
  const lasting = 20;
  let refused = $("room").dataset.refused;
  const steps = [...document.querySelectorAll(".steps li")];
  const order = { queued: 0, placed: 0, building: 1, starting: 2, running: 3 };
  const longest = 400000;
  const since = Date.now();
  let stream = null;
  let step = -1;
  let waits = false;
  let nextTry = 0;

  function count() {
    const seconds = Math.ceil((nextTry - Date.now()) / 1000);
    show("next-try", seconds > 0 ? `next try in ${seconds} s` : "");
  }

  function show(id, text) {
    $(id).textContent = text;
  }

  function paint(preview) {
    const state = preview ? preview.state : "";
    const failed = state === "failed";
    $("room").dataset.state = state;
    if (state !== "running" && preview) refused = "";
    const runs = state === "running" && !refused;
    if (state in order) step = order[state];
    else if (!failed) step = -1;
    if (failed && step < 0) step = failedAt(preview.failure);
    steps.forEach((li, at) => {
      li.classList.toggle("done", at < step || runs);
      li.classList.toggle("here", at === step && !runs);
    });
    const phase = preview ? preview.phase : "";
    const known = data.sentences;
    show("sentence", (refused && known.refused) || known[`${state}/${phase}`] || known[state] || state);
    show("reason", preview && !failed ? preview.reason : "");
    show("place", (preview && preview.place) || "");
    const seconds = preview ? preview.next_try_in : null;
    nextTry = typeof seconds === "number" ? Date.now() + seconds * 1000 : 0;
    count();
    $("failure").hidden = !failed;
    const failure = (failed && preview.failure) || {};
    show("message", failure.message || "");
    show("cause", failure.cause || "");
    show("exit", typeof failure.exit_code === "number" ? `exit code ${failure.exit_code}` : "");
    waits = !failed && state !== "stopped";
    const form = $("form");
    if (form) {
      form.hidden = waits;
      form.action = failed ? "/_prevs/retry" : "/_prevs/start";
      form.querySelector("button").textContent = failed ? "Retry" : "Start it";
      form.querySelector("button").disabled = false;
    }
  }

  function failedAt(failure) {
    const cause = failure ? failure.cause : "";
    if (["start-failed", "app-exited", "never-listened", "unhealthy", "out-of-memory"].includes(cause)) return 2;
    return ["task-lost", "task-rejected", "docker-unavailable"].includes(cause) ? 0 : 1;
  }

  // The log is text: escape sequences are dropped, a carriage return begins its line again.
  let rest = "";
  let line = "";
  const done = document.createTextNode("");
  const open = document.createTextNode("");

  function clearLog() {
    rest = line = "";
    done.data = open.data = "";
    $("log").replaceChildren(done, open);
  }

  function write(text) {
    const box = $("log");
    const follows = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    text = rest + text;
    const cut = /\x1b(?:\[[0-9;:?]*|\][^\x07\x1b]*)?$|\r$/.exec(text);
    rest = cut && text.length - cut.index < 200 ? text.slice(cut.index) : "";
    text = text.slice(0, text.length - rest.length);
    text = text.replace(/\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]?/g, "");
    const lines = text.replace(/\r+\n/g, "\n").replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "").split("\n");
    let whole = "";
    lines.forEach((part, at) => {
      if (at) {
        whole += line + "\n";
        line = "";
      }
      const from = part.lastIndexOf("\r");
      line = from < 0 ? line + part : part.slice(from + 1);
    });
    done.appendData(whole);
    if (done.length > longest) done.data = "[…]\n" + done.data.slice(done.data.indexOf("\n", done.length - longest / 2) + 1);
    open.data = line;
    $("log-box").hidden = false;
    if (follows) box.scrollTop = box.scrollHeight;
  }

  function follow(sha) {
    if (stream) stream.close();
    clearLog();
    show("log-title", "Log");
    stream = new EventSource(`/_prevs/events?sha=${sha}&refused=${encodeURIComponent(refused)}`);
    const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
    on("log", write);
    on("reset", clearLog);
    on("state", paint);
    on("ready", () => {
      stream.close();
      refused = "";
      show("sentence", data.sentences.running);
      location.reload();
    });
    on("end", (preview) => {
      stream.close();
      paint(preview);
    });
    on("problem", (problem) => {
      stream.close();
      complain(problem.detail);
    });
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
    };
  }

  function complain(text) {
    show("problem", text);
    $("problem").hidden = false;
    waits = false;
  }

  async function ask(action) {
    $("problem").hidden = true;
    let answer;
    try {
      answer = await fetch(`/_prevs/${action}`, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams({ token }),
      });
    } catch {
      complain("The preview service cannot be reached; this page tries again in some seconds.");
      setTimeout(() => location.reload(), 3000);
      return;
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      paint(said);
      follow(said.sha);
    } else if (answer.status === 403 || answer.status === 503) {
      complain(said.detail || "The preview service is not available; this page tries again in some seconds.");
      setTimeout(() => location.reload(), 3000);
    } else {
      complain(said.detail || `The preview service answered ${answer.status}.`);
    }
  }

  const form = $("form");
  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.querySelector("button").disabled = true;
      ask(form.action.endsWith("/retry") ? "retry" : "start");
    });
  }

  setInterval(() => {
    count();
    const seconds = Math.floor((Date.now() - since) / 1000);
    const minutes = Math.floor(seconds / 60);
    const spell = minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
    $("clock").hidden = !waits || seconds < 1;
    show("clock", spell);
    $("lasting").hidden = !refused || seconds < lasting;
    show("lasting-for", spell);
  }, 250);

  const tail = $("log").textContent;
  clearLog();
  paint(data.preview);
  if (tail) write(tail);
  const state = data.preview ? data.preview.state : "";
  if (token && state !== "failed") ask("start");
  else waits = false;
})();
