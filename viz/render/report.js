"use strict";
// The table of requests and the story of the one that is chosen.  `data` was
// written into the page by ringside: {stages, requests: [[seq, domid, devid,
// queue, op, sector, len, outcome, rule, [t of each stage or null]]]}.
const data = JSON.parse(document.getElementById("data").textContent);
const rows = document.querySelector("#list tbody");
const find = document.getElementById("find");
const order = document.getElementById("order");
const count = document.getElementById("count");
const story = document.getElementById("story");

function ns(t) {
  if (t === null) return "";
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
  for (const [size, name] of units)
    if (Math.abs(t) >= size) return (t / size).toPrecision(3) + " " + name;
  return t + " ns";
}

function span(r) {
  const seen = r[9].filter((t) => t !== null);
  return seen.length ? Math.max(...seen) - Math.min(...seen) : 0;
}

function cell(tag, text, cls) {
  const e = document.createElement(tag);
  e.textContent = text;
  if (cls) e.className = cls;
  return e;
}

function tell(r) {
  story.replaceChildren();
  story.append(cell("h3", `${r[4]} #${r[0]}, domain ${r[1]} device ${r[2]} ` +
    `queue ${r[3]}`));
  story.append(cell("p", `sector ${r[5]}, ${r[6]} bytes: ${r[7]}` +
    (r[8] ? ` (${r[8]})` : "") + `, ${ns(span(r))} in all`,
    r[7] === "okay" ? "note" : "bad"));
  const seen = data.stages.map((s, i) => [s, r[9][i]])
    .filter(([, t]) => t !== null);
  if (!seen.length) return;
  const start = seen[0][1], all = Math.max(1, span(r));
  let last = start;
  for (const [name, t] of seen) {
    const bar = document.createElement("div");
    bar.className = "bar";
    bar.append(cell("span", name), cell("span", "+" + ns(t - last)));
    const track = document.createElement("div"), mark = document.createElement("i");
    track.className = "track";
    mark.style.left = 100 * (last - start) / all + "%";
    mark.style.width = 100 * Math.max(0, t - last) / all + "%";
    track.append(mark);
    bar.append(track);
    story.append(bar);
    last = t;
  }
  story.append(cell("p", "See its messages: ringside show sequence TRACE " +
    `--request ${r[0]} --device ${r[1]}/${r[2]}`, "note"));
}

function choose(row, r) {
  for (const e of rows.querySelectorAll("[aria-selected=true]"))
    e.setAttribute("aria-selected", "false");
  row.setAttribute("aria-selected", "true");
  tell(r);
}

function show() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let list = data.requests.filter((r) => {
    const text = [r[4], "#" + r[0], r[1] + "/" + r[2], r[5], r[7], r[8]]
      .join(" ").toLowerCase();
    return words.every((w) => text.includes(w));
  });
  if (order.value === "slow") list = list.slice().sort((a, b) => span(b) - span(a));
  count.textContent = `${list.length} of ${data.requests.length} requests` +
    (data.total > data.requests.length ? ` (the trace holds ${data.total})` : "") +
    (list.length > 2000 ? ", the first 2000 shown" : "");
  rows.replaceChildren();
  for (const r of list.slice(0, 2000)) {
    const tr = document.createElement("tr");
    tr.tabIndex = 0;
    tr.append(cell("td", "#" + r[0]), cell("td", r[1] + "/" + r[2]),
      cell("td", r[4], "l"), cell("td", r[5]), cell("td", r[6]),
      cell("td", ns(span(r))),
      cell("td", r[7] + (r[8] ? " " + r[8] : ""), r[7] === "okay" ? "l" : "l bad"));
    tr.addEventListener("click", () => choose(tr, r));
    tr.addEventListener("keydown", (e) => {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); choose(tr, r); }
      if (e.key === "ArrowDown" && tr.nextSibling) { e.preventDefault(); tr.nextSibling.focus(); }
      if (e.key === "ArrowUp" && tr.previousSibling) { e.preventDefault(); tr.previousSibling.focus(); }
    });
    rows.append(tr);
  }
  if (rows.firstChild) choose(rows.firstChild, list[0]);
  else story.replaceChildren(cell("p", "No request matches.", "note"));
}

find.addEventListener("input", show);
order.addEventListener("change", show);
show();
