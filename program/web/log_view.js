"use strict";
// Shows a log as a terminal would show it. Needs terminal.js before it.
//
//   const view = new LogView(element, { title: "Log", download: "/path" });
//   view.write(text); view.clear(); view.setDownload(url); view.showEmpty("why there is none")
//
// It replaces the content of `element` (the log for visitors without scripts). A text never becomes markup or a style
// attribute. The view keeps the latest 4 MB, and the first 10,000 characters of a line; the page points to `download` for
// the rest.
const LogView = (() => {
  const KEPT = 4e6;
  const MOST_WAITING = 32e6; // for frames that a page draws only while somebody looks at it
  const MOST_ROWS = 40000;
  const SPAN_COST = 60; // an element weighs as much as some characters
  const SLICE = 8192;
  const FRAME_MS = 6;
  const MOST_FOUND = 5000;
  const BLOCK_ROWS = 100;

  function make(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function many(number, word) {
    return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
  }

  function highlights(name) {
    if (!window.Highlight || !CSS.highlights) return new Set();
    if (!CSS.highlights.has(name)) CSS.highlights.set(name, new Highlight());
    return CSS.highlights.get(name);
  }

  function rangeOf(row, from, to) {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    const range = {};
    let at = 0;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const end = at + node.length;
      if (from >= at && from < end) Object.assign(range, { startContainer: node, startOffset: from - at });
      if (to > at && to <= end) Object.assign(range, { endContainer: node, endOffset: to - at });
      at = end;
    }
    return new StaticRange(range);
  }

  function placeOf({ startContainer, startOffset, endContainer, endOffset }) {
    const range = document.createRange();
    range.setStart(startContainer, startOffset);
    range.setEnd(endContainer, endOffset);
    return range.getBoundingClientRect();
  }

  // Puts a line's cells into its row, and returns the row's weight.
  function paint(row, { cells, pens, beyond }) {
    const parts = [];
    let weight = cells.length + SPAN_COST;
    for (let from = 0, to = 0; from < cells.length; from = to) {
      const pen = pens[from];
      while (to < cells.length && pens[to] === pen) to++;
      const text = cells.slice(from, to).join("");
      if (pen === Terminal.PLAIN) parts.push(text);
      else {
        const span = make(pen.note ? "i" : "span", "", text);
        if (!pen.note) Object.assign(span.style, Terminal.styleOf(pen));
        parts.push(span);
        weight += SPAN_COST;
      }
    }
    if (beyond) parts.push(make("i", "", ` \u2026 and ${many(beyond, "more character")}; the download has them`));
    row.replaceChildren(...(parts.length ? parts : [make("br")]));
    return weight;
  }

  return class LogView {
    constructor(root, { title = "Log", download = "" } = {}) {
      this.root = root;
      this.blocks = [];
      this.found = [];
      this.terminal = new Terminal((line) => this.finish(line));
      this.all = highlights("log-found");
      this.current = highlights("log-current");
      this.build(title);
      this.setDownload(download);
      this.setFollowing(true);
      this.clear();
    }

    /** Add text, cut anywhere. The view shows it within some frames; the page stays responsive meanwhile. */
    write(text) {
      if (!text) return;
      this.waiting.push(text);
      this.size += text.length;
      this.skip();
      this.schedule();
    }

    /** Remove everything: another log begins. */
    clear() {
      for (const block of this.blocks.splice(0)) this.forget(block);
      this.size = this.weight = this.rows = this.gone = 0;
      this.waiting = [];
      this.row = null;
      this.terminal = new Terminal(this.terminal.finish);
      this.lines.replaceChildren();
      this.search();
      this.report();
    }

    /** Offer the whole text for download; no download if `url` is empty. */
    setDownload(url) {
      this.link.hidden = !url;
      if (url) this.link.href = url;
    }

    /** Show why the log is empty, while it is. */
    showEmpty(text) {
      if (!this.rows && !this.size) this.lines.replaceChildren(make("p", "log-empty", text));
    }

    build(title) {
      const bar = make("div", "log-bar");
      this.count = make("span", "log-count");
      this.field = make("input");
      Object.assign(this.field, { type: "search", placeholder: "Search", autocomplete: "off", spellcheck: false });
      this.field.setAttribute("aria-label", `Search: ${title}`);
      this.result = make("span");
      const find = make("div", "log-find");
      find.setAttribute("role", "search");
      find.append(this.field, this.result, this.button("\u2191", () => this.step(-1), "Previous match"), this.button("\u2193", () => this.step(1), "Next match"));
      this.wrap = this.button("Wrap", () => this.setWrapped(this.root.classList.contains("unwrapped")));
      this.wrap.setAttribute("aria-pressed", "true");
      this.follow = this.button("Follow", () => this.setFollowing(!this.following));
      this.link = make("a", "", "Download");
      this.link.setAttribute("download", "");
      bar.append(make("h2", "", title), this.count, find, this.wrap, this.follow, this.link);
      this.dropped = make("p", "log-dropped");
      this.lines = make("div", "log-lines");
      this.resized = new ResizeObserver(() => this.scroll());
      this.resized.observe(this.lines);
      this.lines.tabIndex = 0;
      this.lines.setAttribute("role", "region");
      this.lines.setAttribute("aria-label", title);
      this.root.classList.add("log-view");
      this.root.replaceChildren(bar, this.dropped, this.lines);
      this.listen();
    }

    button(text, act, label) {
      const made = make("button", "", text);
      made.type = "button";
      if (label) made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      return made;
    }

    listen() {
      let top = 0;
      let height = 0;
      this.lines.addEventListener("scroll", () => {
        const { scrollTop, scrollHeight, clientHeight } = this.lines;
        if (scrollHeight - scrollTop - clientHeight < 24) this.setFollowing(true);
        else if (scrollTop < top - 1 && scrollHeight >= height) this.setFollowing(false); // and nothing went away above
        top = scrollTop;
        height = scrollHeight;
      }, { passive: true });
      this.lines.addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        this.field.focus();
      });
      let timer = 0;
      this.field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.search(), 100);
      });
      this.field.addEventListener("keydown", (event) => {
        if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
        else if (event.key === "Escape") {
          this.field.value = "";
          this.search();
          this.lines.focus();
        } else return;
        event.preventDefault();
      });
    }

    setWrapped(wrapped) {
      this.root.classList.toggle("unwrapped", !wrapped);
      this.wrap.setAttribute("aria-pressed", String(wrapped));
      this.scroll();
    }

    setFollowing(following) {
      this.following = following;
      this.follow.setAttribute("aria-pressed", String(following));
      this.scroll();
    }

    scroll() {
      if (this.following) this.lines.scrollTop = this.lines.scrollHeight;
    }

    // Drop the beginning of text that comes faster than the page can show it.
    skip() {
      while (this.size > MOST_WAITING && this.waiting.length > 1) {
        const text = this.waiting.shift();
        this.size -= text.length;
        for (const block of this.blocks.splice(0)) this.forget(block);
        this.gone += text.split("\n").length - 1;
        this.row = null;
        this.terminal = new Terminal(this.terminal.finish);
      }
    }

    schedule() {
      if (this.frame) return;
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.pump();
        if (this.waiting.length) this.schedule();
      });
    }

    pump() {
      const until = performance.now() + FRAME_MS;
      while (this.waiting.length && performance.now() < until) {
        const text = this.waiting.shift();
        let end = Math.min(SLICE, text.length);
        if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1])) end++;
        if (end < text.length) this.waiting.unshift(text.slice(end));
        this.size -= end;
        this.terminal.feed(text.slice(0, end));
      }
      if (this.terminal.cells.length) this.draw(this.terminal);
      this.trim();
      this.look();
      this.report();
      this.scroll();
    }

    finish(line) {
      this.draw(line);
      const block = this.blocks[this.blocks.length - 1];
      block.fresh.push(this.row);
      this.row = null;
    }

    draw(line) {
      if (!this.row) this.add();
      const block = this.blocks[this.blocks.length - 1];
      const before = this.row.weight || 0;
      this.row.weight = paint(this.row, line);
      block.weight += this.row.weight - before;
      this.weight += this.row.weight - before;
    }

    add() {
      let block = this.blocks[this.blocks.length - 1];
      if (!block || block.rows === BLOCK_ROWS || block.weight > 1e5) {
        if (!this.blocks.length) this.lines.replaceChildren();
        block = { element: make("div", "log-block"), rows: 0, weight: 0, fresh: [] };
        this.blocks.push(block);
        this.lines.append(block.element);
        this.resized.observe(block.element); // the height of one that is out of sight is a guess
      }
      this.row = make("div", "log-row");
      this.row.dataset.number = this.gone + this.rows + 1;
      block.element.append(this.row);
      block.rows++;
      this.rows++;
      block.element.style.containIntrinsicBlockSize = `auto ${block.rows * 1.55}em`;
    }

    trim() {
      while (this.blocks.length > 1 && (this.weight > KEPT || this.rows > MOST_ROWS)) this.forget(this.blocks.shift());
    }

    forget(block) {
      this.weight -= block.weight;
      this.rows -= block.rows;
      this.gone += block.rows;
      this.resized.unobserve(block.element);
      block.element.remove();
      this.stale = true;
    }

    report() {
      const count = this.gone + this.rows;
      this.count.textContent = count ? many(count, "line") : "";
      this.dropped.hidden = !this.gone;
      this.dropped.textContent = this.gone ? `The page does not keep the first ${many(this.gone, "line")}${this.link.hidden ? "" : "; the download has them"}.` : "";
    }

    // Search line by line; case does not matter.
    search() {
      this.found.forEach((match) => this.all.delete(match.range));
      this.found = [];
      this.at = -1;
      const text = this.field.value;
      this.pattern = text ? new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu") : null;
      this.blocks.forEach((block) => (block.fresh = [...block.element.children]));
      if (this.row && this.blocks.length) this.blocks[this.blocks.length - 1].fresh.pop();
      this.look();
      if (this.found.length) this.step(1);
      else this.point(null);
    }

    // Finds matches in new rows, and drops those in rows that are gone.
    look() {
      if (this.stale) {
        const here = this.found[this.at];
        this.found = this.found.filter((match) => match.row.isConnected || (this.all.delete(match.range), false));
        this.at = this.found.indexOf(here);
        this.stale = false;
      }
      for (const block of this.blocks) {
        if (block.fresh.length) {
          if (this.pattern) block.fresh.forEach((row) => this.lookAt(row));
          block.fresh = [];
        }
      }
      this.showCount();
    }

    lookAt(row) {
      for (const match of row.textContent.matchAll(this.pattern)) {
        if (this.found.length === MOST_FOUND) return;
        const range = rangeOf(row, match.index, match.index + match[0].length);
        this.all.add(range);
        this.found.push({ row, range });
      }
    }

    step(by) {
      const count = this.found.length;
      if (!count) return this.point(null);
      this.at = this.at < 0 ? (by < 0 ? count - 1 : 0) : (this.at + by + count) % count;
      this.setFollowing(false);
      this.point(this.found[this.at]);
    }

    point(match) {
      if (this.here) {
        this.here.row.classList.remove("log-here");
        this.current.delete(this.here.range);
      }
      this.here = match;
      if (match) {
        match.row.classList.add("log-here");
        this.current.add(match.range);
        match.row.scrollIntoView({ block: "nearest", inline: "nearest" });
        const place = placeOf(match.range);
        const box = this.lines.getBoundingClientRect();
        this.lines.scrollTop += place.top - box.top - box.height / 2;
        if (this.root.classList.contains("unwrapped")) this.lines.scrollLeft += place.left - box.left - box.width / 2;
      }
      this.showCount();
    }

    showCount() {
      const count = this.found.length;
      const all = count === MOST_FOUND ? `${count}+` : count;
      this.result.textContent = !this.pattern ? "" : !count ? "none" : this.at < 0 ? `${all}` : `${this.at + 1} of ${all}`;
    }
  };
})();
