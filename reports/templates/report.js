"use strict";
(() => {
  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.dispatchEvent(new Event("twin-theme"));
  });

  const data = JSON.parse(document.getElementById("case-data").textContent);
  const body = document.getElementById("case-rows");
  const more = document.getElementById("more");
  const count = document.getElementById("case-count");
  const search = document.getElementById("search");
  const boxes = [...document.querySelectorAll("#verdicts input")];
  const numeric = data.columns.map((c) => c.numeric);
  const verdictAt = data.columns.findIndex((c) => c.key === "verdict");
  const idAt = data.columns.findIndex((c) => c.key === "case_id");
  const rank = Object.fromEntries(data.order.map((v, i) => [v, i]));
  const hay = data.rows.map((row) => row.map((v) => (v === null ? "" : String(v))).join("\u0000").toLowerCase());
  const replays = new Set(data.replays);
  const PAGE = 100;
  let shown = PAGE, sorted = null, falling = false, order = data.rows.map((_, i) => i);

  const broken = (text) => text.split(/(?<=[_/])|(?<=[.])(?=\D)/).flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part]));
  const repeat = (id) => {
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    const code = document.createElement("code");
    summary.textContent = "run it again";
    summary.className = "dim small";
    code.textContent = data.again[id];
    details.append(summary, code);
    return details;
  };
  const cell = (value, column) => {
    const td = document.createElement("td");
    if (column.numeric) td.className = "n";
    if (column.key === "verdict") {
      const badge = document.createElement("span");
      badge.className = "badge";
      badge.style.color = `var(--${value})`;
      badge.textContent = value;
      td.append(badge);
    } else if (column.key === "case_id" && replays.has(value)) {
      const link = document.createElement("a");
      link.href = `#replay-${value}`;
      link.textContent = value;
      td.append(link);
      if (value in data.again) td.append(repeat(value));
    } else if (column.key === "case_id" && value in data.again) {
      td.append(value, repeat(value));
    } else if (value === null) {
      td.textContent = "–";
      td.className += " dim";
    } else if (column.numeric) {
      td.textContent = Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
    } else {
      const prose = column.key === "why" || column.key === "parameters";
      td.append(...(prose ? [value] : broken(value)));
      td.className = prose ? "wide small" : "name";
    }
    return td;
  };
  const draw = () => {
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const allowed = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
    const hits = order.filter((i) => allowed.has(data.rows[i][verdictAt]) && wanted.every((w) => hay[i].includes(w)));
    body.replaceChildren(...hits.slice(0, shown).map((i) => {
      const tr = document.createElement("tr");
      tr.append(...data.rows[i].map((v, c) => cell(v, data.columns[c])));
      return tr;
    }));
    count.textContent = `${hits.length} of ${data.rows.length} cases`;
    more.hidden = hits.length <= shown;
    more.textContent = `Show ${Math.min(PAGE, hits.length - shown)} more`;
    document.documentElement.dataset.cases = String(body.rows ? body.rows.length : body.children.length);
  };
  const sortBy = (column) => {
    falling = sorted === column ? !falling : false;
    sorted = column;
    const key = (i) => {
      const v = data.rows[i][column];
      if (v === null) return null;
      return column === verdictAt ? rank[v] ?? 99 : v;
    };
    order = data.rows.map((_, i) => i).sort((a, b) => {
      const x = key(a), y = key(b);
      if (x === y) return a - b;
      if (x === null) return 1;
      if (y === null) return -1;
      const sign = typeof x === "number" && typeof y === "number" ? x - y : String(x) < String(y) ? -1 : 1;
      return falling ? -sign : sign;
    });
    document.querySelectorAll("#case-table th").forEach((th, i) => {
      if (i === column) th.setAttribute("aria-sort", falling ? "descending" : "ascending"); else th.removeAttribute("aria-sort");
    });
    draw();
  };
  document.querySelectorAll("#case-table th button").forEach((b, i) => b.addEventListener("click", () => sortBy(i)));
  search.addEventListener("input", () => { shown = PAGE; draw(); });
  boxes.forEach((b) => b.addEventListener("change", () => { shown = PAGE; draw(); }));
  more.addEventListener("click", () => { shown += PAGE; draw(); });
  if (verdictAt >= 0) sortBy(verdictAt); else draw();

  const unfold = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id ? document.getElementById(id) : null;
    if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
