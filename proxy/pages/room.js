// Starts the preview, shows its way and its log, and loads the address again as soon as the proxy routes it.
(() => {
  const $ = (id) => document.getElementById(id);
  const { token, refused, ref } = $("room").dataset;
  const names = document.title.split(" · ").slice(1);
  const lasting = 20;
  const noted = 5;
  const ending = $("log") ? $("log-end").textContent : "";
  // None where the app shows its status alone.
  const log = $("log") && new LogView($("log"));
  // Ends in some minutes; the stream brings the next.
  let logToken = $("room").dataset.logToken;
  let view = JSON.parse($("data").textContent);
  let seen = performance.now();
  let stream = null;
  let last = "";
  let attempt = "";
  let hasLog = Boolean(ending);
  let isOld = true; // what is shown of the log: the next piece takes its place

  // The address of what only this page asks for. At a gate, it says for which label.
  function own(path, fields = {}) {
    const query = new URLSearchParams(ref ? { ...fields, "prevs-ref": ref } : fields).toString();
    return `/_prevs/${path}${query ? `?${query}` : ""}`;
  }

  function show(id, text) {
    if ($(id).textContent !== text) $(id).textContent = text;
  }

  function spell(seconds) {
    if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
    const rounded = Math.round(seconds);
    const minutes = Math.floor(rounded / 60);
    if (!minutes) return `${rounded} s`;
    return minutes < 60 ? `${minutes} min ${rounded % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }

  function since() {
    return (performance.now() - seen) / 1000;
  }

  function paint(next) {
    view = next;
    seen = performance.now();
    const { state, kind, failure } = view;
    $("room").dataset.kind = kind;
    show("sentence", view.sentence);
    show("reason", view.reason);
    $("reason-line").hidden = !view.reason;
    show("place", view.place);
    $("failure").hidden = $("advice").hidden = !failure;
    show("message", failure ? failure.message : "");
    mistakes(failure ? failure.mistakes : []);
    show("facts", failure ? failure.facts : "");
    show("advice-text", failure ? failure.advice : "");
    show("command", failure ? failure.command : "");
    $("command-line").hidden = !(failure && failure.command);
    $("course").hidden = !view.coming || ["running", "refused", "draining"].includes(kind);
    const form = $("form");
    if (form) {
      form.hidden = view.coming || !state;
      form.action = own(failure ? "retry" : "start");
      const button = form.querySelector("button");
      button.textContent = failure ? "Retry" : "Start it";
      button.disabled = false;
    }
    if ($("members") && view.members) showMembers(view.members);
    document.title = [view.word, ...names].join(" · ");
    $("icon").href = $("icon").href.replace(/%23\w{6}/, failure ? "%23d23b31" : kind === "running" ? "%231f9d57" : "%233573e0");
    if (log) log.showEmpty(view.coming ? "Nothing is written yet." : "There is no log.");
    line();
    tick();
  }

  // What is wrong in the commit's settings, a line of it each.
  function mistakes(told) {
    $("mistakes").hidden = !told.length;
    $("mistakes").replaceChildren(
      ...told.map(([where, what]) => {
        const li = document.createElement("li");
        const [at, says] = ["span", "bdi"].map((name) => document.createElement(name));
        at.textContent = where;
        says.textContent = what;
        li.append(at, " ", says);
        return li;
      }),
    );
  }

  // The steps: their elements, once for each view.
  function line() {
    $("steps").hidden = !view.steps.length;
    view.steps.forEach((step, at) => {
      const li = $("steps").children[at] || $("steps").appendChild(row());
      li.dataset.status = step.status;
      const [name, detail] = li.children;
      name.firstChild.data = step.title;
      name.lastChild.textContent = step.spoken;
      detail.textContent = step.detail;
    });
  }

  function row() {
    const li = document.createElement("li");
    ["name", "detail", "time"].forEach((part) => (li.appendChild(document.createElement(part === "detail" ? "bdi" : "span")).className = part));
    const spoken = document.createElement("span");
    spoken.className = "unseen";
    li.firstChild.append(document.createTextNode(""), spoken);
    return li;
  }

  // What goes on with time. The server has said for how long it went on until it did.
  function tick() {
    let had = 0;
    let all = 0;
    let passed = 0;
    let left = 0;
    let goesOn = null;
    view.steps.forEach((step, at) => {
      const now = step.status === "now";
      const seconds = now ? (step.seconds || 0) + since() : step.seconds;
      const usual = step.usual || 0;
      if (now) goesOn = { ...step, seconds };
      passed += seconds || 0;
      if (step.status !== "skipped") {
        all += usual;
        had += step.status === "done" ? usual : now ? Math.min(seconds, 0.95 * usual) : 0;
        left += step.status === "next" ? usual : now ? Math.max(0, usual - seconds) : 0;
      }
      $("steps").children[at].lastChild.textContent = time(step, seconds);
    });
    if (all && goesOn) $("bar").value = had / all;
    else $("bar").removeAttribute("value");
    show("clock", spell(passed));
    show("left", remaining(goesOn, left));
    const seconds = view.next_try_in === null ? 0 : Math.ceil(view.next_try_in - since());
    show("next-try", seconds > 0 ? `next try in ${seconds} s` : "");
    $("ahead").hidden = !view.place && seconds <= 0;
    $("lasting").hidden = view.kind !== "refused" || performance.now() < lasting * 1000;
    show("lasting-for", spell(performance.now() / 1000));
  }

  function whole(seconds) {
    return spell(Math.ceil(seconds)).replace(".0", "");
  }

  function time({ status, usual }, seconds) {
    if (status === "next") return usual === null ? "" : `about ${whole(usual)}`;
    if (seconds === null) return "";
    if (status !== "now" || usual === null) return spell(seconds);
    if (seconds <= usual) return `${spell(seconds)} of about ${whole(usual)}`;
    return spell(seconds) + (usual >= noted ? `, usually ${whole(usual)}` : "");
  }

  function remaining(step, left) {
    if (!step) return "";
    if (!left) return step.usual >= noted ? "longer than usual" : "";
    return step.name === "queued" ? `then about ${whole(left)}` : `about ${whole(left)} to go`;
  }

  function follow() {
    if (stream) stream.close();
    const opened = (stream = new EventSource(own("events", { sha: view.sha, token: logToken, refused, after: last })));
    const on = (name, act) =>
      opened.addEventListener(name, (event) => {
        if (opened === stream) act(JSON.parse(event.data), event.lastEventId);
      });
    let rare = false;
    on("token", take);
    on("later", () => {
      rare = true;
      notice("Many pages are waiting: this one updates less often.");
    });
    if (log) takeLog(on);
    takeState(opened, on);
    on("problem", (problem) => {
      opened.close();
      notice(problem.detail);
    });
    on("away", () => notice("The preview service does not answer right now. This page keeps trying."));
    opened.onerror = () => {
      if (opened !== stream) return;
      if (opened.readyState === EventSource.CLOSED) setTimeout(async () => opened === stream && (await renew()) && opened === stream && follow(), 2000);
      setTimeout(() => {
        if (opened === stream && !rare && opened.readyState === EventSource.CONNECTING) notice("The connection was lost. This page keeps trying.");
      }, 5000);
    };
  }

  function take(next) {
    logToken = next;
    if (hasLog) offer();
  }

  function offer() {
    hasLog = true;
    log.setDownload(own("log", { sha: view.sha, token: logToken }));
  }

  // A stream that was refused: the page was hidden, or the network away, for longer than its token was good.
  async function renew() {
    let answer;
    try {
      answer = await fetch(own("token"), {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams({ token, sha: view.sha }),
      });
    } catch {
      return true;
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) take(said.log_token);
    else notice(said.detail || `The preview service answered ${answer.status}.`);
    return ![403, 409].includes(answer.status);
  }

  function takeLog(on) {
    on("log", (text, id) => {
      if (isOld) log.clear();
      isOld = false;
      last = id;
      offer();
      log.write(text);
    });
    on("reset", () => {
      log.clear();
      isOld = false;
      last = "";
    });
  }

  function takeState(opened, on) {
    let isFirst = true;
    opened.onopen = () => (isFirst = true);
    on("state", (next) => {
      notice("");
      const other = isFirst && last && attempt !== next.attempt;
      isFirst = false;
      attempt = next.attempt;
      paint(next);
      if (!other) return;
      last = ""; // the place is one in another attempt's log
      isOld = true;
      follow();
    });
    on("ready", () => {
      opened.close();
      show("sentence", "It answers. Letting you in.");
      location.reload();
    });
    on("end", (next) => {
      opened.close();
      paint(next);
    });
  }

  function notice(text) {
    show("notice", text);
    $("notice").hidden = !text;
  }

  async function ask(action) {
    let answer;
    try {
      answer = await fetch(own(action), {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams({ token, refused }),
      });
    } catch {
      notice("The preview service cannot be reached. This page keeps trying.");
      setTimeout(ask, 3000, action);
      return;
    }
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      notice("");
      paint(said);
      take(said.log_token);
      last = "";
      isOld = true;
      follow();
      return;
    }
    notice(said.detail || `The preview service answered ${answer.status}.`);
    if (answer.status === 403) setTimeout(() => location.reload(), 3000);
    else if (answer.headers.has("Retry-After")) setTimeout(ask, 1000 * answer.headers.get("Retry-After"), action);
  }

  const form = $("form");
  if (form) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.querySelector("button").disabled = true;
      ask(new URL(form.action).pathname.endsWith("/retry") ? "retry" : "start");
    });
  }

  // What has failed, or was stopped, may have been started by somebody else.
  function look() {
    if (!document.hidden && stream && stream.readyState === EventSource.CLOSED && ["failed", "stopped"].includes(view.state)) follow();
  }

  if (hasLog) offer();
  if (log) log.write(ending);
  paint(view);
  setInterval(tick, 250);
  setInterval(look, 10000);
  document.addEventListener("visibilitychange", look);
  if (view.state === "failed") follow();
  else if (token) ask("start");
})();
