"use strict";
// Updates the pages while they are open. They work without it: each action is a form, each page is whole.
(() => {
  const RELOAD_MS = 400;
  const NO_LOG = "There is no log: nothing has started, or its agent no longer keeps it.";
  const skew = Number(document.documentElement.dataset.now) * 1000 - Date.now();
  const main = document.getElementById("main");
  const notice = document.getElementById("notice");

  // --- Times: "3 min ago" and "in 3 min", by the server's clock, as session/formatting.py spells them. ---

  function spell(seconds) {
    let amount = Math.max(0, Math.floor(seconds));
    for (const [size, unit] of [[60, "s"], [60, "min"], [48, "h"]]) {
      if (amount < size) return `${amount} ${unit}`;
      amount = Math.floor(amount / size);
    }
    return `${Math.floor(Math.max(0, seconds) / 86400)} d`;
  }

  function tick() {
    const now = (Date.now() + skew) / 1000;
    for (const time of document.querySelectorAll("time[data-time]")) {
      const seconds = now - Number(time.dataset.time);
      const text = seconds < 5 ? "just now" : `${spell(seconds)} ago`;
      if (time.textContent !== text) time.textContent = text;
    }
    for (const time of document.querySelectorAll("time[data-until]")) {
      const seconds = Number(time.dataset.until) - now;
      const text = seconds < 1 ? "now" : `in ${spell(seconds)}`;
      if (time.textContent !== text) time.textContent = text;
    }
    for (const bar of document.querySelectorAll("progress[data-usual]")) {
      bar.value = Math.min(1, (now - Number(bar.dataset.began)) / Number(bar.dataset.usual));
    }
  }

  // --- Puts what has changed in place. What somebody uses there stays: the focus, what is open, what is typed. ---

  function patch(old, now) {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || (old.id || now.id) !== (now.id || old.id)) {
      old.replaceWith(now.cloneNode(true));
    } else if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== now.data) old.data = now.data;
    } else if (old !== notice && !("kept" in old.dataset) && !old.isEqualNode(now)) {
      patchAttributes(old, now);
      patchChildren(old, now);
    }
  }

  function patchAttributes(old, now) {
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name) && name !== "open" && name !== "aria-busy") old.removeAttribute(name);
    }
    for (const { name, value } of now.attributes) {
      if (name !== "open" && name !== "nonce" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
  }

  function patchChildren(old, now) {
    const named = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = old.firstChild;
    for (const next of [...now.childNodes]) {
      const same = next.id && named.get(next.id);
      if (same && same !== at) old.insertBefore(same, at);
      else if (!same && at && at.id && named.has(at.id) && at.id !== next.id) {
        old.insertBefore(next.cloneNode(true), at);
        continue;
      }
      const before = same || at;
      if (!before) {
        old.append(next.cloneNode(true));
        continue;
      }
      at = before.nextSibling;
      patch(before, next);
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function show(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = page.getElementById("main");
    if (!fresh || page.body.dataset.live !== document.body.dataset.live) return null;
    patch(main, fresh);
    tick();
    reveal();
    followLogs();
    return page;
  }

  // --- The stream sends that something has changed; then the page is fetched again, and shows what. ---

  let waiting = 0;
  let isLoading = false;
  let again = false;

  async function reload() {
    waiting = 0;
    if (isLoading) {
      again = true;
      return;
    }
    isLoading = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") location.reload();
      else if (answer.ok) {
        const url = new URL(location.href);
        if (show(await answer.text())) showStatus("");
        else if (url.searchParams.has("did")) location.reload();
      } else if (answer.status === 404) location.reload();
      else showStatus("This page may be out of date: the framework does not answer.");
    } catch {
      showStatus("This page may be out of date: the framework cannot be reached.");
    } finally {
      isLoading = false;
      if (again) {
        again = false;
        schedule();
      }
    }
  }

  function schedule() {
    if (!waiting) waiting = setTimeout(reload, RELOAD_MS);
  }

  function showStatus(text) {
    const live = document.getElementById("live");
    if (live && live.textContent !== text) live.textContent = text;
  }

  function follow() {
    const stream = new EventSource(`/live/${document.body.dataset.live}?seen=${document.documentElement.dataset.seen}`);
    let lost = false;
    stream.addEventListener("change", schedule);
    stream.addEventListener("signed-out", () => location.reload());
    stream.addEventListener("open", () => {
      if (lost) schedule();
      lost = false;
      showStatus("");
    });
    stream.addEventListener("error", () => {
      lost = true;
      showStatus("This page may be out of date: the connection is lost. It tries again by itself.");
      if (stream.readyState !== EventSource.CLOSED) return;
      schedule(); // if the session is over, fetching the page again leads to the sign-in page
      setTimeout(follow, 3000);
    });
  }

  // --- Actions: sends a form, and puts the page that it answers with in place. ---

  function showNotice(text, isBad) {
    notice.classList.toggle("bad", isBad);
    notice.classList.toggle("good", !isBad);
    notice.textContent = text;
    notice.hidden = !text;
    for (const one of notice.getAnimations()) { one.cancel(); one.play(); }
  }

  async function send(form, button) {
    if (button.ariaBusy) return;
    button.ariaBusy = "true"; // a disabled button would lose the focus
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      const html = await answer.text();
      if (new URL(answer.url).pathname === "/sign-in") location.reload();
      const page = new DOMParser().parseFromString(html, "text/html");
      const problem = page.getElementById("problem");
      if (problem) showNotice(problem.textContent, true);
      else if (form.dataset.act) {
        const part = form.dataset.act; // the page has no other address, so the rest of it stays
        document.getElementById(part).replaceChildren(...(page.getElementById(part)?.childNodes ?? []));
      } else {
        show(html);
        showNotice(page.getElementById("notice").textContent, false);
      }
    } catch {
      showNotice("The framework cannot be reached. Try again in a few seconds.", true);
    } finally {
      button.ariaBusy = null;
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("act" in form.dataset) || (event.submitter && "whole" in event.submitter.dataset)) return;
    event.preventDefault();
    send(form, event.submitter || form.querySelector("button"));
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      showNotice("Copied.", false);
    } catch {
      document.execCommand("copy");
    }
  });

  // --- Weights of a rule of a gate: they make 100 together. The first one gives way to the others, and they to it. ---

  function balance(changed) {
    const form = changed.form;
    const fields = [...form.querySelectorAll("input[type=number]")];
    const field = changed.dataset.of ? form.elements[changed.dataset.of] : changed;
    if (changed !== field) field.value = changed.value;
    const others = fields.filter((one) => one !== field && form.elements[one.name.replace("weight", "label")].value);
    const cents = (one) => Math.round(Number(one.value) * 100) || 0;
    let left = 10_000 - Math.min(10_000, Math.max(0, cents(field)));
    if (field !== fields[0]) others.push(others.shift()); // so that the first one comes last, and takes the rest
    others.forEach((one, at) => {
      const given = at === others.length - 1 ? left : Math.min(left, cents(one));
      left -= given;
      one.value = given / 100;
    });
    for (const slider of form.querySelectorAll("[data-of]")) slider.value = form.elements[slider.dataset.of].value || 0;
  }

  document.addEventListener("input", (event) => {
    const { target } = event;
    if (target.form && "weights" in target.form.dataset && (target.dataset.of || target.type === "number")) balance(target);
  });

  // --- A preview's log. It ends with an attempt, and continues with the next one. ---

  const logs = [...document.querySelectorAll("[data-log]")].map((element) => {
    const view = new LogView(element, { title: "Log", download: element.dataset.file });
    if (!element.dataset.log) readLog(element.dataset.file, view);
    return { element, view, stream: null };
  });

  async function readLog(file, view) {
    try {
      const answer = await fetch(file);
      if (!answer.ok) throw new Error(answer.statusText);
      view.write(await answer.text());
      view.showEmpty(NO_LOG);
    } catch {
      view.showEmpty("The log cannot be read now. Reload the page in a moment.");
    }
  }

  function followLogs() {
    for (const log of logs) {
      if (!log.element.dataset.log) continue; // of an attempt that is over
      if (log.stream || (log.ended && !("grows" in log.element.parentElement.dataset))) continue;
      if (log.ended || log.lost) log.view.clear();
      log.ended = log.lost = false;
      followLog(log);
    }
  }

  function followLog(log) {
    const stream = (log.stream = new EventSource(log.element.dataset.log));
    stream.addEventListener("log", (event) => log.view.write(JSON.parse(event.data)));
    stream.addEventListener("reset", () => log.view.clear());
    stream.addEventListener("end", () => {
      stream.close();
      log.stream = null;
      log.ended = true;
      log.view.showEmpty(NO_LOG);
    });
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) return; // else the browser connects again by itself
      log.stream = null;
      log.lost = true;
      setTimeout(followLogs, 3000);
    });
  }

  function reveal() {
    for (const one of document.querySelectorAll("[data-copy], [data-of]")) one.hidden = false; // useless without scripts
  }

  tick();
  setInterval(tick, 1000);
  reveal();
  followLogs();
  if (document.body.dataset.live) follow();
})();
