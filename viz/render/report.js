"use strict";
// The list of requests and the story of the one that is chosen.  `data` was
// written into the page by ringside: {note, all, spans: [name], requests:
// [{seq, dev, q, op, sector, len, slot, out, bad, detail, t, total, spans:
// [[begin, ns] or null], steps: [[t, from, to, tone, text]]}]}.  Nothing of it is ever
// read as HTML: guests wrote some of it.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const body = document.querySelector("#list tbody");
  const find = document.getElementById("find");
  const order = document.getElementById("order");
  const count = document.getElementById("count");
  const story = document.getElementById("story");
  let shown = [];
  let chosen = -1;

  document.getElementById("note").textContent = data.note;

  const number = (n) => n.toLocaleString("en");
  // A sector is text: it may be more than a number holds.
  const sector = (r) => number(BigInt(r.sector));

  function ns(t) {
    const v = Math.abs(t);
    if (v < 1000) return t + " ns";
    for (const [unit, name] of [[1e3, "µs"], [1e6, "ms"], [1e9, "s"]]) {
      const x = t / unit;
      if (Math.abs(x) < 999.5 || name === "s")
        return (Math.abs(x) < 10 ? x.toFixed(2) : Math.abs(x) < 100 ?
          x.toFixed(1) : x.toFixed(0)) + " " + name;
    }
  }

  function size(n) {
    if (!n) return "";
    for (const [unit, name] of [[1 << 20, "MiB"], [1 << 10, "KiB"]])
      if (n >= unit && n % unit === 0) return n / unit + " " + name;
    return number(n) + " B";
  }

  function make(tag, text, cls) {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  }

  const us = (t) => (t / 1000).toLocaleString("en",
    { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const name = (r) => `${r.op} #${r.seq}`;
  const outcome = (r) => (r.bad ? "✗ " : "") + r.out;

  // What a request can be found by.
  for (const r of data.requests)
    r.words = [r.op, "#" + r.seq, r.dev, "queue " + r.q, r.sector, r.out,
      size(r.len), r.detail || "", r.bad ? "failed" : ""].join(" ").toLowerCase();

  function bars(r) {
    const grid = make("div", undefined, "bars");
    const total = Math.max(r.total, 1);
    r.spans.forEach((span, i) => {
      grid.append(make("span", data.spans[i]));
      grid.append(make("span", span ? ns(span[1]) : "not seen", "v"));
      const track = make("div", undefined, "track");
      if (span) {
        const [at, v] = span;
        const bar = make("i");
        bar.style.left = 100 * at / total + "%";
        bar.style.width = Math.min(100 - 100 * at / total, 100 * v / total) + "%";
        bar.style.background = `var(--s${i})`;
        track.append(bar);
      }
      grid.append(track);
    });
    return grid;
  }

  function steps(r) {
    const table = make("table", undefined, "steps");
    const head = table.createTHead().insertRow();
    for (const [h, cls] of [["time, µs", ""], ["since last", ""],
      ["where", "l"], ["what", "l"]])
      head.append(make("th", h, cls));
    const rows = table.createTBody();
    let last = 0;
    for (const [t, from, to, tone, text] of r.steps) {
      const tr = rows.insertRow();
      tr.append(make("td", us(t)));
      tr.append(make("td", "+" + us(t - last), "dim"));
      tr.append(make("td", from === to ? from : `${from} → ${to}`, "l w"));
      tr.append(make("td", (tone === "bad" ? "✗ " : "") + text,
        tone === "bad" ? "x bad" : "x"));
      last = t;
    }
    return table;
  }

  function tell(r) {
    story.replaceChildren(make("h3", name(r)));
    story.append(make("p", `device ${r.dev}, queue ${r.q}, slot ${r.slot}; ` +
      (r.len ? `${size(r.len)} at sector ${sector(r)}; ` : "") +
      `begins ${ns(r.t)} into the trace, takes ${ns(r.total)}`, "note"));
    story.append(make("p", outcome(r) + (r.detail ? ": " + r.detail : ""),
      r.bad ? "bad" : ""));
    story.append(bars(r), steps(r));
    story.scrollTop = 0;
  }

  function choose(i, focus) {
    const rows = body.rows;
    if (!rows.length) {
      chosen = -1;
      story.replaceChildren(make("p", "No request matches.", "note"));
      return;
    }
    i = Math.min(Math.max(i, 0), rows.length - 1);
    const old = body.querySelector("[aria-selected=true]");
    if (old) {
      old.setAttribute("aria-selected", "false");
      old.tabIndex = -1;
    }
    chosen = i;
    rows[i].setAttribute("aria-selected", "true");
    rows[i].tabIndex = 0;
    if (focus) rows[i].focus();
    tell(shown[i]);
  }

  function list() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    // "#12" is that request alone, not #120.
    const hit = (r, w) => w[0] === "#" && w.length > 1 ?
      "#" + r.seq === w : r.words.includes(w);
    shown = data.requests.filter((r) => words.every((w) => hit(r, w)));
    const key = order.value;
    if (key !== "t") shown.sort((a, b) => b[key] - a[key] || a.t - b.t);
    const rows = shown.map((r) => {
      const tr = make("tr");
      tr.setAttribute("aria-selected", "false");
      tr.tabIndex = -1;
      tr.append(make("td", name(r), "l"), make("td", `${r.dev}:${r.q}`, "l"),
        make("td", r.len ? sector(r) : ""), make("td", size(r.len)),
        make("td", ns(r.t)), make("td", ns(r.total)),
        make("td", outcome(r), r.bad ? "l bad" : "l"));
      return tr;
    });
    body.replaceChildren(...rows);
    count.textContent = `${number(shown.length)} of ` +
      `${number(data.requests.length)} requests` +
      (data.all > data.requests.length ? ` (the trace holds ${number(data.all)})` : "");
    choose(0, false);
  }

  body.addEventListener("click", (e) => {
    const tr = e.target.closest("tr");
    if (tr) choose(tr.sectionRowIndex, true);
  });
  body.addEventListener("keydown", (e) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15,
      Home: -1e9, End: 1e9 }[e.key];
    if (!step) return;
    e.preventDefault();
    choose(chosen + step, true);
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || /^(INPUT|SELECT)$/.test(e.target.tagName)) return;
    e.preventDefault();
    find.focus();
  });
  find.addEventListener("input", list);
  find.addEventListener("keydown", (e) => {
    if (e.key === "ArrowDown") {
      e.preventDefault();
      choose(0, true);
    }
  });
  order.addEventListener("change", list);
  for (const b of document.querySelectorAll("button.zoom"))
    b.addEventListener("click", () => {
      const on = b.closest("figure").querySelector(".picture")
        .classList.toggle("full");
      b.setAttribute("aria-pressed", on);
    });
  list();
})();
