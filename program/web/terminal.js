"use strict";
// Returns a program's output as a terminal would show it, line by line. Knows nothing of pages.
//
//   const terminal = new Terminal((line) => …);    line.cells, line.pens: the character at each column, and its style
//   terminal.feed(text);                           a piece that may be cut anywhere, even within an escape sequence
//
// It knows the escape sequences for colours (SGR), and those that move within a line or erase it. It shows the text of a
// hyperlink, and drops every other sequence. It shows a mark that would reorder the text as its number.
// `Terminal.styleOf(pen)` has the CSS.
const Terminal = (() => {
  const WIDEST = 10000; // characters of a line that are kept; line.beyond counts the others

  // Makes colours readable on the page's background, which a program does not know.

  const GROUND = [16, 22, 30];
  const INK = [214, 222, 232];
  const PALETTE = ["5c6a7c", "ff7b72", "5fd38d", "e3b341", "79b0ff", "d2a8ff", "56d4dd", "d6dee8",
    "8b98aa", "ffa198", "8be9ae", "f2cc60", "a5cbff", "e2c5ff", "8aeaf0", "ffffff"]
    .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

  function indexed(n) {
    if (n < 16) return PALETTE[n];
    if (n > 231) return Array(3).fill(8 + (n - 232) * 10);
    return [36, 6, 1].map((base) => [0, 95, 135, 175, 215, 255][Math.floor((n - 16) / base) % 6]);
  }

  function luminance(rgb) {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function mix(rgb, other, share) {
    return rgb.map((part, at) => Math.round(part + (other[at] - part) * share));
  }

  function readable(ink, ground) {
    const below = luminance(ground);
    const towards = below < 0.18 ? [255, 255, 255] : [0, 0, 0];
    for (let share = 0; share < 1; share += 0.1) {
      const found = mix(ink, towards, share);
      const lights = [luminance(found), below].sort((a, b) => b - a);
      if ((lights[0] + 0.05) / (lights[1] + 0.05) >= 4.5) return found;
    }
    return towards;
  }

  // A pen holds what SGR has set. It never changes, so its identity marks the text that was written with it.
  const PLAIN = { ink: null, ground: null };
  const MARK = { note: true };
  const ON = { 1: "bold", 2: "faint", 3: "italic", 4: "under", 7: "swapped", 9: "struck", 21: "under" };
  const OFF = { 22: ["bold", "faint"], 23: ["italic"], 24: ["under"], 27: ["swapped"], 29: ["struck"] };

  function select(pen, params) {
    const next = { ...pen, css: undefined };
    const codes = params.split(";");
    while (codes.length) {
      const [code, ...parts] = codes.shift().split(":").map(Number);
      if (code === 0) Object.assign(next, { bold: 0, faint: 0, italic: 0, under: 0, swapped: 0, struck: 0 }, PLAIN);
      else if (code === 4 && parts.length) next.under = parts[0] > 0;
      else if (code in ON) next[ON[code]] = true;
      else if (code in OFF) OFF[code].forEach((name) => (next[name] = false));
      else if (code === 38 || code === 48) next[code === 38 ? "ink" : "ground"] = colour(parts, codes);
      else if (code === 39) next.ink = null;
      else if (code === 49) next.ground = null;
      else if (code >= 30 && code <= 37) next.ink = PALETTE[code - 30];
      else if (code >= 90 && code <= 97) next.ink = PALETTE[code - 82];
      else if (code >= 40 && code <= 47) next.ground = PALETTE[code - 40];
      else if (code >= 100 && code <= 107) next.ground = PALETTE[code - 92];
    }
    return Object.keys(next).some((name) => next[name]) ? next : PLAIN;
  }

  // "38:2::1:2:3", or "38;2;1;2;3", of which `codes` are what is left.
  function colour(parts, codes) {
    const byte = (text) => Math.min(255, Number(text) || 0);
    const kind = parts.length ? parts[0] : Number(codes.shift());
    if (kind === 5) return indexed(byte(parts.length ? parts[1] : codes.shift()));
    return kind === 2 ? (parts.length ? parts.slice(-3) : codes.splice(0, 3)).concat(0, 0, 0).slice(0, 3).map(byte) : null;
  }

  function styleOf(pen) {
    if (pen.css) return pen.css;
    let ink = pen.ink || INK;
    let ground = pen.ground || GROUND;
    if (pen.swapped) [ink, ground] = [ground, ink];
    if (pen.faint) ink = mix(ink, ground, 0.4);
    const css = { color: `rgb(${readable(ink, ground)})` };
    if (ground !== GROUND) css.backgroundColor = `rgb(${ground})`;
    if (pen.bold) css.fontWeight = "700";
    if (pen.italic) css.fontStyle = "italic";
    const lines = [pen.under && "underline", pen.struck && "line-through"].filter(Boolean);
    if (lines.length) css.textDecoration = lines.join(" ");
    return (pen.css = css);
  }

  const TEXT = 0, ESCAPE = 1, SEQUENCE = 2, STRING = 3, STRING_ESCAPE = 4, ONE_MORE = 5;
  const MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/;
  const COMBINING = /\p{M}/u;

  return class Terminal {
    static styleOf = styleOf;
    static PLAIN = PLAIN;

    constructor(finish) {
      this.finish = finish;
      this.mode = TEXT;
      this.pen = PLAIN;
      this.begin();
    }

    begin() {
      this.cells = [];
      this.pens = [];
      this.column = 0;
      this.beyond = 0;
    }

    feed(text) {
      for (const char of text) {
        const code = char.codePointAt(0);
        if (this.mode === TEXT && code > 31 && (code < 127 || code > 159)) this.put(char, code);
        else this.control(char, code);
      }
    }

    put(char, code) {
      if (code > 767) {
        if (MARKS.test(char)) return this.set(`<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`, MARK);
        if (COMBINING.test(char)) {
          const before = this.column - 1;
          if (before >= 0 && before < WIDEST && (this.cells[before] || "").length < 6) this.cells[before] += char;
          return;
        }
      }
      this.set(char, this.pen);
    }

    set(cell, pen) {
      if (this.column < WIDEST) {
        for (let at = this.cells.length; at < this.column; at++) this.blank(at);
        this.cells[this.column] = cell;
        this.pens[this.column] = pen;
      } else this.beyond = Math.max(this.beyond, this.column - WIDEST + 1);
      this.column++;
    }

    blank(at) {
      this.cells[at] = " ";
      this.pens[at] = PLAIN;
    }

    control(char, code) {
      if (code < 32 && code !== 27 && this.mode !== TEXT) {
        // A string ends with its line: one without an end must not swallow the rest of the log.
        const inString = this.mode === STRING || this.mode === STRING_ESCAPE;
        if (!inString || code === 7 || code === 10) this.mode = TEXT;
        if (inString && code !== 10) return;
      }
      if (this.mode === TEXT || code === 27 || code === 0x9c) return this.act(code);
      if (this.mode === ESCAPE) this.escape(char);
      else if (this.mode === STRING_ESCAPE) this.mode = char === "\\" ? TEXT : STRING;
      else if (this.mode === ONE_MORE) this.mode = TEXT;
      else if (this.mode === SEQUENCE) {
        if (code >= 0x40) {
          this.mode = TEXT;
          if (this.params.length < 100) this.sequence(char, this.params);
        } else if (this.params.length < 100) this.params += char;
      }
    }

    act(code) {
      if (code === 27) this.mode = this.mode === STRING || this.mode === STRING_ESCAPE ? STRING_ESCAPE : ESCAPE;
      else if (code === 0x9c) this.mode = TEXT;
      else if (code === 10) {
        this.finish(this);
        this.begin();
      } else if (code === 13) this.column = 0;
      else if (code === 8) this.column = Math.max(0, Math.min(this.column, WIDEST) - 1);
      else if (code === 9) this.set("\t", this.pen);
      else if (code > 127) this.escape(String.fromCharCode(code - 64));
    }

    escape(char) {
      this.params = "";
      if (char === "[") this.mode = SEQUENCE;
      else if ("]PX^_".includes(char)) this.mode = STRING;
      else this.mode = " #%()*+-./".includes(char) ? ONE_MORE : TEXT;
    }

    sequence(final, params) {
      if (!/^[\d;:]*$/.test(params)) return;
      const count = Math.min(WIDEST, parseInt(params, 10) || 0);
      if (final === "m") this.pen = select(this.pen, params);
      else if (final === "G") this.column = Math.max(0, count - 1);
      else if (final === "C") this.column = Math.min(WIDEST, this.column + (count || 1));
      else if (final === "D") this.column = Math.max(0, this.column - (count || 1));
      else if (final === "K") this.erase(count);
    }

    erase(which) {
      const whole = this.cells.length;
      if (which !== 1) {
        this.cells.length = this.pens.length = which === 2 ? 0 : Math.min(whole, this.column);
        this.beyond = 0;
      } else for (let at = 0; at < Math.min(whole, this.column + 1); at++) this.blank(at);
    }
  };
})();
