"use strict";
(() => {
  const KINDS = { story: "story", fault: "faults", driver: "driver", disengagement: "driver", finding: "verdict", contact: "verdict" };
  const LANES = ["story", "faults", "driver", "verdict"];
  const LAMPS = ["off", "good", "warn", "bad", "warn"];

  function fail(message) {
    const root = document.documentElement;
    root.dataset.twinErrors = String(Number(root.dataset.twinErrors || "0") + 1);
    root.dataset.twinError = String(message);
  }
  window.addEventListener("error", (event) => fail(event.message));
  window.addEventListener("unhandledrejection", (event) => fail(event.reason));

  const unroll = (steps, n) => {
    const out = new Float64Array(n);
    let value = 0;
    for (let k = 0; k < n; k++) {
      if (k < steps.length) value += steps[k];
      out[k] = value;
    }
    return out;
  };
  const spread = (changes, n) => {
    const out = new Int32Array(n);
    for (let i = 0; i < changes.length; i++) {
      const end = i + 1 < changes.length ? changes[i + 1][0] : n;
      out.fill(changes[i][1], changes[i][0], end);
    }
    return out;
  };
  const mix = (a, b, w) => a + (b - a) * w;
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  const el = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  class Replay {
    constructor(figure, scene) {
      this.figure = figure;
      this.scene = scene;
      this.n = scene.ticks;
      this.length = Math.max(0, (this.n - 1) * scene.step_s);
      this.t = 0;
      this.playing = false;
      this.rate = 1;
      this.follow = true;
      this.turned = false;
      this.labels = true;
      this.zoom = 6;
      this.centre = [0, 0];
      this.decode();
      this.build();
      this.listen();
      this.resize();
      this.seek(0);
    }

    decode() {
      const { scene, n } = this;
      this.actors = scene.actors.map((a) => ({
        name: a.name, kind: a.kind, length: a.box[0] / 100, width: a.box[1] / 100, ahead: a.box[2] / 100,
        x: unroll(a.x, n).map((v) => v / 100), y: unroll(a.y, n).map((v) => v / 100),
        yaw: unroll(a.yaw, n).map((v) => v / 1000), speed: unroll(a.speed, n).map((v) => v / 100),
        accel: unroll(a.accel, n).map((v) => v / 100), present: spread(a.present, n),
      }));
      this.ego = this.actors[0];
      this.mode = spread(scene.mode, n);
      this.lamps = scene.lamps.map((changes) => spread(changes, n));
      this.faults = scene.faults.map((f) => ({ name: f.name, on: spread(f.on, n) }));
      const pairs = (flat) => {
        const out = [];
        for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i] / 100, flat[i + 1] / 100]);
        return out;
      };
      const g = scene.ground;
      this.lanes = g.lanes.map((l) => ({ ...l, left: pairs(l.left), right: pairs(l.right) }));
      this.stops = g.stops.map((s) => ({ signal: s.signal, line: pairs(s.line) }));
      this.crossings = g.crossings.map(pairs);
      this.boxes = g.boxes.map((b) => ({ x: b[0] / 100, y: b[1] / 100, length: b[2] / 100, width: b[3] / 100, yaw: b[4] / 1000 }));
      this.strips = [];
      if (this.ego) {
        this.strips.push({ name: "speed", unit: "km/h", values: Array.from(this.ego.speed, (v) => v * 3.6), floor: 0 });
      }
      for (const s of scene.series) {
        this.strips.push({
          name: s.name, unit: s.unit, values: s.values.map((v) => (v === null ? null : v / s.scale)),
          range: s.cap === null ? null : [0, s.cap], beyond: spread(s.beyond, n),
        });
      }
    }

    build() {
      const { scene, figure } = this;
      const head = el("div", "tr-head");
      head.append(el("span", "tr-title", scene.scenario));
      if (scene.title && scene.title !== scene.scenario) head.append(el("span", `tr-chip is-${scene.title.toLowerCase().replace(/[^a-z]/g, "")}`, scene.title));
      const values = Object.entries(scene.values).map(([k, v]) => `${k} = ${v}`).join(" · ");
      head.append(el("span", "tr-sub", `seed ${scene.seed} · ${scene.map} · ${scene.driver}${values ? " · " + values : ""}`));
      figure.append(head);
      if (!this.n || !this.ego) {
        figure.append(el("p", "tr-none", scene.failure ? `No tick was run. ${scene.failure}` : "No tick was run."));
        return;
      }
      const body = el("div", "tr-body");
      const stage = el("div", "tr-stage");
      this.map = el("canvas", "tr-map");
      this.map.tabIndex = 0;
      this.map.setAttribute("role", "img");
      this.map.setAttribute("aria-label", `Replay of ${scene.title} from above, ${this.length.toFixed(1)} seconds`);
      this.hud = el("div", "tr-hud");
      stage.append(this.map, this.hud);
      const side = el("aside", "tr-side");
      side.append(el("h3", "", "What happened"));
      const list = el("ol", "tr-events");
      for (const mark of scene.marks) {
        const item = el("li");
        const button = el("button");
        button.type = "button";
        button.append(el("time", "", `${mark.t.toFixed(2)} s`));
        const text = el("span");
        text.append(el("span", `k ${mark.kind}`), document.createTextNode(mark.text));
        button.append(text);
        button.addEventListener("click", () => { this.pause(); this.seek(mark.t); });
        item.append(button);
        list.append(item);
      }
      if (!scene.marks.length) list.append(el("li", "tr-sub", "nothing out of the ordinary"));
      side.append(list);
      const keys = el("div", "tr-keys");
      for (const [key, what] of [["space", "play"], ["← →", "tick"], ["+ −", "zoom"], ["F", "follow"], ["R", "turn"], ["L", "labels"]]) {
        keys.append(el("kbd", "", key), document.createTextNode(` ${what}  `));
      }
      side.append(keys);
      body.append(stage, side);

      const controls = el("div", "tr-controls");
      const button = (name, text, title, action) => {
        const b = el("button", name, text);
        b.type = "button";
        b.title = title;
        b.addEventListener("click", action);
        controls.append(b);
        return b;
      };
      this.play = button("tr-play", "▶ Play", "Play or pause (space)", () => this.toggle());
      button("", "|‹", "To the start (Home)", () => { this.pause(); this.seek(0); }).setAttribute("aria-label", "To the start");
      button("", "‹", "One tick back (left arrow)", () => this.step(-1)).setAttribute("aria-label", "One tick back");
      button("", "›", "One tick on (right arrow)", () => this.step(1)).setAttribute("aria-label", "One tick on");
      this.clock = el("span", "tr-time");
      controls.append(this.clock);
      const speeds = el("select");
      speeds.setAttribute("aria-label", "Speed of the replay");
      for (const r of [0.1, 0.25, 0.5, 1, 2, 4, 8]) {
        const option = el("option", "", `${r}×`);
        option.value = String(r);
        option.selected = r === 1;
        speeds.append(option);
      }
      speeds.addEventListener("change", () => { this.rate = Number(speeds.value); });
      controls.append(speeds, el("span", "tr-spacer"));
      const pressed = (text, title, key) => {
        const b = button("", text, title, () => this.flip(key));
        b.setAttribute("aria-pressed", String(this[key]));
        return b;
      };
      this.buttons = {
        follow: pressed("Follow", "Keep the ego in the middle (F)", "follow"),
        turned: pressed("Heading up", "Turn the map with the ego (R)", "turned"),
        labels: pressed("Labels", "Names and speeds (L)", "labels"),
      };
      button("", "−", "Zoom out (-)", () => this.scale(1 / 1.3)).setAttribute("aria-label", "Zoom out");
      button("", "+", "Zoom in (+)", () => this.scale(1.3)).setAttribute("aria-label", "Zoom in");
      button("", "Whole way", "Show the whole run (0)", () => this.fit());

      const line = el("div", "tr-line");
      this.scrub = el("input", "tr-scrub");
      Object.assign(this.scrub, { type: "range", min: "0", max: String(Math.max(0, this.n - 1)), step: "1", value: "0" });
      this.scrub.setAttribute("aria-label", "Time");
      this.scrub.addEventListener("input", () => { this.pause(); this.seek(Number(this.scrub.value) * scene.step_s); });
      this.strip = el("canvas", "tr-strip");
      this.strip.setAttribute("role", "img");
      this.strip.setAttribute("aria-label", `Over time: ${["events", ...this.strips.map((s) => s.name)].join(", ")}`);
      line.append(this.scrub, this.strip);
      figure.append(body, controls, line);
    }

    listen() {
      if (!this.map) return;
      this.map.addEventListener("wheel", (event) => {
        event.preventDefault();
        this.scale(Math.exp(-event.deltaY * 0.0015));
      }, { passive: false });
      let held = null;
      this.map.addEventListener("pointerdown", (event) => {
        held = [event.clientX, event.clientY];
        this.map.setPointerCapture(event.pointerId);
      });
      this.map.addEventListener("pointermove", (event) => {
        if (!held) return;
        const dx = event.clientX - held[0], dy = event.clientY - held[1];
        if (this.follow && Math.hypot(dx, dy) < 4) return;
        held = [event.clientX, event.clientY];
        if (this.follow) this.flip("follow");
        const c = Math.cos(this.turn), s = Math.sin(this.turn);
        this.centre[0] -= (dx * c - dy * s) / this.zoom;
        this.centre[1] += (dx * s + dy * c) / this.zoom;
        this.draw();
      });
      const drop = () => { held = null; };
      this.map.addEventListener("pointerup", drop);
      this.map.addEventListener("pointercancel", drop);
      const jump = (event) => {
        const box = this.strip.getBoundingClientRect();
        this.pause();
        this.seek(clamp((event.clientX - box.left - this.gutter) / (box.width - this.gutter - 8), 0, 1) * this.length);
      };
      this.strip.addEventListener("pointerdown", (event) => { this.strip.setPointerCapture(event.pointerId); jump(event); });
      this.strip.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
      this.figure.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const onControl = event.target instanceof HTMLButtonElement || event.target instanceof HTMLSelectElement;
        const onScrub = event.target === this.scrub;
        const act = {
          " ": onControl ? null : () => this.toggle(),
          ArrowLeft: onScrub || onControl ? null : () => this.step(event.shiftKey ? -20 : -1),
          ArrowRight: onScrub || onControl ? null : () => this.step(event.shiftKey ? 20 : 1),
          Home: onScrub ? null : () => { this.pause(); this.seek(0); },
          End: onScrub ? null : () => { this.pause(); this.seek(this.length); },
          "+": () => this.scale(1.3), "=": () => this.scale(1.3), "-": () => this.scale(1 / 1.3), 0: () => this.fit(),
          f: () => this.flip("follow"), r: () => this.flip("turned"), l: () => this.flip("labels"),
        }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
        if (act) { event.preventDefault(); act(); }
      });
      new ResizeObserver(() => this.resize()).observe(this.figure);
      const dark = window.matchMedia("(prefers-color-scheme: dark)");
      dark.addEventListener("change", () => { this.readColours(); this.draw(); });
      document.addEventListener("twin-theme", () => { this.readColours(); this.draw(); });
    }

    readColours() {
      const style = getComputedStyle(this.figure);
      this.colour = {};
      for (const name of ["ground", "asphalt", "junction", "walk", "green", "paint", "middle", "edge", "block", "ego", "other", "soft",
        "ghost", "bad", "good", "warn", "ink", "dim", "rule", "panel", "track"]) {
        this.colour[name] = style.getPropertyValue(`--${name}`).trim();
      }
      this.colour.off = this.colour.dim;
    }

    resize() {
      if (!this.map) return;
      this.readColours();
      this.stripHeight = 50 + this.strips.length * 58;
      const size = (canvas, height) => {
        const ratio = window.devicePixelRatio || 1;
        const width = canvas.clientWidth || 640;
        canvas.style.height = `${height}px`;
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        const pen = canvas.getContext("2d");
        pen.setTransform(ratio, 0, 0, ratio, 0, 0);
        return [pen, width, height];
      };
      [this.pen, this.w, this.h] = size(this.map, 380);
      [this.pencil, this.sw, this.sh] = size(this.strip, this.stripHeight);
      this.gutter = 92;
      this.draw();
    }

    flip(key) {
      this[key] = !this[key];
      this.buttons[key].setAttribute("aria-pressed", String(this[key]));
      this.draw();
    }
    scale(by) { this.zoom = clamp(this.zoom * by, 0.2, 60); this.draw(); }
    fit() {
      let box = [Infinity, Infinity, -Infinity, -Infinity];
      for (const a of this.actors) {
        for (let k = 0; k < this.n; k++) {
          if (!a.present[k]) continue;
          box = [Math.min(box[0], a.x[k]), Math.min(box[1], a.y[k]), Math.max(box[2], a.x[k]), Math.max(box[3], a.y[k])];
        }
      }
      this.zoom = clamp(Math.min(this.w / (box[2] - box[0] + 30), this.h / (box[3] - box[1] + 30)), 0.2, 60);
      if (this.follow) this.flip("follow");
      if (this.turned) this.flip("turned");
      this.centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      this.draw();
    }
    pause() { this.playing = false; if (this.play) this.play.textContent = "▶ Play"; }
    toggle() {
      if (!this.map) return;
      if (this.playing) { this.pause(); return; }
      if (this.t >= this.length) this.seek(0);
      this.playing = true;
      this.play.textContent = "❚❚ Pause";
      let before = performance.now();
      const tick = (now) => {
        if (!this.playing || !this.figure.isConnected) return;
        this.seek(this.t + ((now - before) / 1000) * this.rate);
        before = now;
        if (this.t >= this.length) this.pause(); else requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }
    step(by) {
      this.pause();
      this.seek((Math.round(this.t / this.scene.step_s) + by) * this.scene.step_s);
    }
    seek(t) {
      if (!this.map) return;
      this.t = clamp(t, 0, this.length);
      this.draw();
    }

    pose(actor) {
      const at = clamp(this.t / this.scene.step_s, 0, this.n - 1);
      const k = Math.min(Math.floor(at + 1e-9), this.n - 1), m = Math.min(k + 1, this.n - 1), w = clamp(at - k, 0, 1);
      const jumped = Math.hypot(actor.x[m] - actor.x[k], actor.y[m] - actor.y[k]) > 8 || !actor.present[m];
      const v = jumped ? 0 : w;
      return {
        k, present: actor.present[k] === 1, x: mix(actor.x[k], actor.x[m], v), y: mix(actor.y[k], actor.y[m], v),
        yaw: mix(actor.yaw[k], actor.yaw[m], v), speed: mix(actor.speed[k], actor.speed[m], v), accel: actor.accel[k],
      };
    }

    draw() {
      if (!this.map || !this.pen) return;
      const ego = this.pose(this.ego);
      if (this.follow) {
        const ahead = this.turned ? 0 : Math.min(20, (this.w / this.zoom) * 0.18);
        this.centre = [ego.x + Math.cos(ego.yaw) * ahead, ego.y + Math.sin(ego.yaw) * ahead];
        if (this.turned) this.centre = [ego.x + Math.cos(ego.yaw) * (this.h / this.zoom) * 0.22, ego.y + Math.sin(ego.yaw) * (this.h / this.zoom) * 0.22];
      }
      this.turn = this.turned ? Math.PI / 2 - ego.yaw : 0;
      this.drawMap(ego);
      this.drawStrip();
      this.drawHud(ego);
      this.clock.textContent = `${this.t.toFixed(2)} / ${this.length.toFixed(2)} s`;
      this.scrub.value = String(Math.round(this.t / this.scene.step_s));
      this.figure.dataset.drawn = String(Number(this.figure.dataset.drawn || "0") + 1);
    }

    at(p) {
      const dx = p[0] - this.centre[0], dy = p[1] - this.centre[1];
      const c = Math.cos(this.turn), s = Math.sin(this.turn);
      return [this.w / 2 + (dx * c - dy * s) * this.zoom, this.h / 2 - (dx * s + dy * c) * this.zoom];
    }
    path(points, closed) {
      const pen = this.pen;
      pen.beginPath();
      points.forEach((p, i) => { const [x, y] = this.at(p); if (i) pen.lineTo(x, y); else pen.moveTo(x, y); });
      if (closed) pen.closePath();
    }

    drawMap(ego) {
      const { pen, colour } = this;
      pen.fillStyle = colour.ground;
      pen.fillRect(0, 0, this.w, this.h);
      pen.lineJoin = "round";
      const fill = { driving: "asphalt", shoulder: "walk", sidewalk: "walk", parking: "junction", biking: "green", other: "ground" };
      const drawn = [...this.lanes].sort((a, b) => Number(a.kind === "driving") - Number(b.kind === "driving"));
      for (const lane of drawn) {
        this.path([...lane.left, ...[...lane.right].reverse()], true);
        pen.fillStyle = colour[lane.junction && lane.kind === "driving" ? "junction" : fill[lane.kind] || "ground"];
        pen.strokeStyle = pen.fillStyle;
        pen.lineWidth = 1;
        pen.fill();
        pen.stroke();
      }
      for (const crossing of this.crossings) this.drawCrossing(crossing);
      for (const lane of this.lanes) {
        this.drawLine(lane.left, lane.left_line);
        this.drawLine(lane.right, lane.right_line);
      }
      for (const b of this.boxes) this.drawBox(b.x, b.y, b.yaw, b.length, b.width, colour.block, null, 0);
      for (const stop of this.stops) this.drawStop(stop, ego.k);
      this.drawTrail(ego.k);
      this.drawEstimate(ego.k);
      for (let i = this.actors.length - 1; i >= 0; i--) this.drawActor(this.actors[i], i === 0);
      if (this.labels) this.drawLabels();
      for (const c of this.scene.contacts) if (c.t <= this.t + 1e-9) this.drawContact(c);
      this.drawScale();
    }
    drawLine(points, kind) {
      if (!kind) return;
      const { pen, colour } = this;
      this.path(points, false);
      pen.lineWidth = clamp(0.15 * this.zoom, 0.8, 4);
      pen.strokeStyle = kind === 3 ? colour.middle : kind === 2 ? colour.edge : colour.paint;
      pen.setLineDash(kind === 1 ? [3 * this.zoom, 6 * this.zoom] : []);
      pen.stroke();
      pen.setLineDash([]);
    }
    drawCrossing(points) {
      const { pen, colour } = this;
      pen.save();
      this.path(points, true);
      pen.clip();
      const long = points.map((p, i) => [p, points[(i + 1) % points.length]])
        .sort((a, b) => Math.hypot(b[1][0] - b[0][0], b[1][1] - b[0][1]) - Math.hypot(a[1][0] - a[0][0], a[1][1] - a[0][1]))[0];
      const length = Math.hypot(long[1][0] - long[0][0], long[1][1] - long[0][1]) || 1;
      const u = [(long[1][0] - long[0][0]) / length, (long[1][1] - long[0][1]) / length];
      pen.strokeStyle = colour.paint;
      pen.lineWidth = 0.5 * this.zoom;
      for (let s = 0.25; s < length; s += 1) {
        const p = [long[0][0] + u[0] * s, long[0][1] + u[1] * s];
        this.path([[p[0] + u[1] * 12, p[1] - u[0] * 12], [p[0] - u[1] * 12, p[1] + u[0] * 12]], false);
        pen.stroke();
      }
      pen.restore();
    }
    drawStop(stop, k) {
      const { pen, colour } = this;
      const lamp = this.lamps[stop.signal] ? this.lamps[stop.signal][k] : 0;
      this.path(stop.line, false);
      pen.strokeStyle = colour[LAMPS[lamp]];
      pen.lineWidth = clamp(0.5 * this.zoom, 2, 7);
      pen.stroke();
      const [x, y] = this.at(stop.line[1]);
      const r = clamp(0.8 * this.zoom, 4, 9);
      pen.beginPath();
      pen.arc(x, y, r, 0, 2 * Math.PI);
      pen.fillStyle = colour[LAMPS[lamp]];
      pen.fill();
      pen.lineWidth = 1.5;
      pen.strokeStyle = colour.ink;
      pen.stroke();
      pen.fillStyle = colour.panel;
      pen.font = `700 ${Math.round(r * 1.4)}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.fillText(["", "G", "Y", "R", "Y"][lamp], x, y + 0.5);
    }
    drawTrail(k) {
      const { pen, colour, ego } = this;
      const from = Math.max(0, k - Math.round(6 / this.scene.step_s));
      const points = [];
      for (let i = from; i <= k; i++) points.push([ego.x[i], ego.y[i]]);
      this.path(points, false);
      pen.strokeStyle = colour.ego;
      pen.globalAlpha = 0.35;
      pen.lineWidth = clamp(0.3 * this.zoom, 1.5, 5);
      pen.stroke();
      pen.globalAlpha = 1;
    }
    drawEstimate(k) {
      const e = this.scene.estimate;
      if (e.x[k] === null || e.x[k] === undefined) return;
      const yaw = e.yaw[k] / 1000, { ego, colour } = this;
      const x = e.x[k] / 100 + Math.cos(yaw) * ego.ahead, y = e.y[k] / 100 + Math.sin(yaw) * ego.ahead;
      this.drawBox(x, y, yaw, ego.length, ego.width, null, colour.ghost, 1.5, [4, 3]);
    }
    drawBox(x, y, yaw, length, width, fill, stroke, line, dash) {
      const { pen } = this;
      const [px, py] = this.at([x, y]);
      pen.save();
      pen.translate(px, py);
      pen.rotate(-(yaw + this.turn));
      const l = Math.max(length * this.zoom, 3), w = Math.max(width * this.zoom, 3);
      pen.beginPath();
      pen.roundRect(-l / 2, -w / 2, l, w, Math.min(0.35 * this.zoom, w / 3));
      if (fill) { pen.fillStyle = fill; pen.fill(); }
      if (stroke) { pen.setLineDash(dash || []); pen.strokeStyle = stroke; pen.lineWidth = line; pen.stroke(); }
      pen.restore();
    }
    drawActor(actor, isEgo) {
      const p = this.pose(actor);
      if (!p.present) return;
      const { pen, colour } = this;
      const soft = actor.kind === "pedestrian" || actor.kind === "bicycle" || actor.kind === "motorcycle";
      const paint = isEgo ? colour.ego : soft ? colour.soft : actor.kind === "object" ? colour.block : colour.other;
      const x = p.x + Math.cos(p.yaw) * actor.ahead, y = p.y + Math.sin(p.yaw) * actor.ahead;
      const [px, py] = this.at([x, y]);
      if (px < -80 || py < -80 || px > this.w + 80 || py > this.h + 80) return;
      if (actor.kind === "pedestrian") {
        pen.beginPath();
        pen.arc(px, py, Math.max(0.35 * this.zoom, 4), 0, 2 * Math.PI);
        pen.fillStyle = paint;
        pen.fill();
        pen.strokeStyle = colour.panel;
        pen.lineWidth = 1.5;
        pen.stroke();
      } else {
        this.drawBox(x, y, p.yaw, actor.length, actor.width, paint, colour.panel, 1);
        if (actor.kind !== "object" && actor.length * this.zoom > 14) this.drawDetails(px, py, p, actor);
      }
      if (Math.abs(p.speed) > 0.3) {
        const reach = actor.length / 2 + Math.abs(p.speed) * 0.5;
        const sign = Math.sign(p.speed);
        this.path([[x + Math.cos(p.yaw) * sign * actor.length / 2, y + Math.sin(p.yaw) * sign * actor.length / 2],
          [x + Math.cos(p.yaw) * sign * reach, y + Math.sin(p.yaw) * sign * reach]], false);
        pen.strokeStyle = paint;
        pen.lineWidth = 2;
        pen.stroke();
      }
    }
    drawLabels() {
      const { pen, colour } = this;
      const taken = [];
      pen.textAlign = "center";
      pen.textBaseline = "alphabetic";
      this.actors.forEach((actor, i) => {
        const p = this.pose(actor);
        if (!p.present) return;
        const text = actor.kind === "object" ? actor.name : `${actor.name}  ${(p.speed * 3.6).toFixed(0)} km/h`;
        pen.font = `${i ? 500 : 650} 12px system-ui, sans-serif`;
        const [px, py] = this.at([p.x + Math.cos(p.yaw) * actor.ahead, p.y + Math.sin(p.yaw) * actor.ahead]);
        if (px < -20 || py < -20 || px > this.w + 20 || py > this.h + 20) return;
        const half = pen.measureText(text).width / 2 + 4;
        const x = clamp(px, half, this.w - half);
        const tilt = p.yaw + this.turn;
        const foot = py - ((Math.abs(Math.sin(tilt)) * actor.length + Math.abs(Math.cos(tilt)) * actor.width) * this.zoom) / 2 - 6;
        let y = foot;
        while (taken.some((b) => Math.abs(b[0] - x) < b[2] + half && Math.abs(b[1] - y) < 14) && y > foot - 90) y -= 14;
        taken.push([x, y, half]);
        if (y < foot) {
          pen.strokeStyle = colour.dim;
          pen.lineWidth = 1;
          pen.beginPath();
          pen.moveTo(px, foot + 4);
          pen.lineTo(x, y + 3);
          pen.stroke();
        }
        pen.lineWidth = 3;
        pen.strokeStyle = colour.ground;
        pen.strokeText(text, x, y);
        pen.fillStyle = i ? colour.ink : colour.ego;
        pen.fillText(text, x, y);
      });
    }
    drawDetails(px, py, p, actor) {
      const { pen, colour } = this;
      const l = actor.length * this.zoom, w = actor.width * this.zoom;
      pen.save();
      pen.translate(px, py);
      pen.rotate(-(p.yaw + this.turn));
      pen.fillStyle = colour.panel;
      pen.globalAlpha = 0.55;
      if (actor.kind === "car") {
        pen.fillRect(l * 0.12, -w * 0.38, l * 0.13, w * 0.76);
        pen.fillRect(-l * 0.36, -w * 0.36, l * 0.08, w * 0.72);
      } else pen.fillRect(l * 0.36, -w * 0.4, l * 0.06, w * 0.8);
      pen.globalAlpha = 1;
      if (p.accel < -1) {
        pen.fillStyle = colour.bad;
        pen.fillRect(-l / 2, -w * 0.46, Math.max(2, l * 0.04), w * 0.26);
        pen.fillRect(-l / 2, w * 0.2, Math.max(2, l * 0.04), w * 0.26);
      }
      pen.restore();
    }
    drawContact(contact) {
      const { pen, colour } = this;
      const [x, y] = this.at([contact.x / 100, contact.y / 100]);
      pen.beginPath();
      for (let i = 0; i < 16; i++) {
        const r = i % 2 ? 6 : 14, a = (i * Math.PI) / 8;
        pen.lineTo(x + r * Math.cos(a), y + r * Math.sin(a));
      }
      pen.closePath();
      pen.fillStyle = colour.bad;
      pen.fill();
      pen.strokeStyle = colour.panel;
      pen.lineWidth = 1.5;
      pen.stroke();
    }
    drawScale() {
      const { pen, colour } = this;
      const metres = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((m) => m * this.zoom > 60) || 1000;
      const x = this.w - 16 - metres * this.zoom, y = this.h - 16;
      pen.strokeStyle = colour.ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x, y - 5);
      pen.lineTo(x, y);
      pen.lineTo(x + metres * this.zoom, y);
      pen.lineTo(x + metres * this.zoom, y - 5);
      pen.stroke();
      pen.fillStyle = colour.ink;
      pen.font = "11px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "alphabetic";
      pen.fillText(`${metres} m`, x + (metres * this.zoom) / 2, y - 4);
    }

    drawHud(ego) {
      const { scene } = this;
      const chips = [["", `ego ${(ego.speed * 3.6).toFixed(1)} km/h · ${ego.accel >= 0 ? "+" : "−"}${Math.abs(ego.accel).toFixed(1)} m/s²`]];
      const mode = scene.modes[this.mode[ego.k]];
      chips.push([mode === "engaged" ? "" : "is-bad", mode.replace("_", " ")]);
      const asked = scene.command.accel[ego.k];
      if (asked !== null && asked !== undefined) chips.push(["", `asks ${asked < 0 ? "−" : "+"}${Math.abs(asked / 100).toFixed(1)} m/s²`]);
      for (const f of this.faults) {
        if (f.on[ego.k] > 0) chips.push(["is-fault", `fault ${f.name}${f.on[ego.k] < 100 ? ` ${f.on[ego.k]} %` : ""}`]);
      }
      if (scene.contacts.some((c) => c.t <= this.t + 1e-9)) chips.push(["is-bad", "collision"]);
      const key = JSON.stringify(chips);
      if (key === this.shown) return;
      this.shown = key;
      this.hud.replaceChildren(...chips.map(([name, text]) => el("span", `tr-chip ${name}`, text)));
    }

    drawStrip() {
      const { pencil: pen, colour, gutter, scene } = this;
      const right = this.sw - 8, width = right - gutter;
      const x = (t) => gutter + (this.length ? (t / this.length) * width : 0);
      pen.clearRect(0, 0, this.sw, this.sh);
      pen.font = "11px system-ui, sans-serif";
      pen.textBaseline = "middle";
      LANES.forEach((name, row) => {
        const y = 4 + row * 11;
        pen.fillStyle = colour.track;
        pen.fillRect(gutter, y, width, 8);
        pen.fillStyle = colour.dim;
        pen.textAlign = "right";
        pen.fillText(name, gutter - 8, y + 4.5);
      });
      const paint = { story: colour.other, fault: colour.warn, driver: colour.ghost, disengagement: colour.ghost, contact: colour.bad, finding: colour.bad };
      for (const mark of scene.marks) {
        const y = 4 + LANES.indexOf(KINDS[mark.kind] || "story") * 11;
        pen.fillStyle = paint[mark.kind] || colour.other;
        if (mark.end !== null && mark.end > mark.t) {
          pen.globalAlpha = 0.75;
          pen.fillRect(x(mark.t), y, Math.max(2, x(mark.end) - x(mark.t)), 8);
          pen.globalAlpha = 1;
        } else {
          const px = x(mark.t);
          pen.beginPath();
          pen.moveTo(px, y - 1);
          pen.lineTo(px + 5, y + 4);
          pen.lineTo(px, y + 9);
          pen.lineTo(px - 5, y + 4);
          pen.fill();
        }
      }
      this.strips.forEach((strip, row) => this.drawSeries(strip, 54 + row * 58, 44, x));
      pen.strokeStyle = colour.bad;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(x(this.t), 0);
      pen.lineTo(x(this.t), this.sh);
      pen.stroke();
    }
    drawSeries(strip, top, height, x) {
      const { pencil: pen, colour, gutter } = this;
      if (!strip.range) {
        const shown = strip.values.filter((v) => v !== null);
        const low = Math.min(strip.floor ?? Infinity, ...(shown.length ? [shown.reduce((a, b) => Math.min(a, b))] : [0]));
        const high = shown.length ? shown.reduce((a, b) => Math.max(a, b)) : 1;
        strip.range = [low, high > low ? high : low + 1];
      }
      const [low, high] = strip.range;
      const y = (v) => top + height - ((v - low) / (high - low)) * height;
      pen.strokeStyle = colour.rule;
      pen.lineWidth = 1;
      pen.strokeRect(gutter + 0.5, top + 0.5, this.sw - 8 - gutter - 1, height);
      const tick = Math.min(this.n - 1, Math.round(this.t / this.scene.step_s));
      const now = strip.values[tick];
      const none = strip.beyond && strip.beyond[tick] ? `> ${high} ${strip.unit}` : "–";
      pen.textAlign = "right";
      pen.fillStyle = colour.dim;
      pen.fillText(strip.name, gutter - 8, top + 8);
      pen.fillStyle = colour.ink;
      pen.font = "600 12px system-ui, sans-serif";
      pen.fillText(now === null || now === undefined ? none : `${now.toFixed(1)} ${strip.unit}`, gutter - 8, top + 24);
      pen.font = "11px system-ui, sans-serif";
      pen.strokeStyle = colour.ego;
      pen.lineWidth = 1.6;
      pen.beginPath();
      let down = false;
      strip.values.forEach((v, k) => {
        if (v === null) { down = false; return; }
        const px = x(k * this.scene.step_s), py = y(v);
        if (down) pen.lineTo(px, py); else { pen.moveTo(px, py); pen.lineTo(px + 0.8, py); }
        down = true;
      });
      pen.stroke();
      pen.fillStyle = colour.dim;
      pen.textAlign = "left";
      const digits = high - low < 10 ? 1 : 0;
      pen.fillText(high.toFixed(digits), gutter + 4, top + 8);
      pen.fillText(low.toFixed(digits), gutter + 4, top + height - 7);
    }

    ink() {
      const data = this.pen.getImageData(0, 0, this.map.width, this.map.height).data;
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
      return seen.size;
    }
  }

  const testing = location.hash.includes("selftest");
  const open = (figure) => {
    if (figure.dataset.open) return;
    figure.dataset.open = "1";
    const scene = JSON.parse(document.getElementById(figure.dataset.scene).textContent);
    const replay = new Replay(figure, scene);
    figure.replay = replay;
    if (testing && replay.map) {
      replay.seek(replay.length / 2);
      figure.dataset.colours = String(replay.ink());
      const zoom = replay.zoom;
      replay.seek(replay.length);
      replay.fit();
      replay.flip("turned");
      replay.flip("turned");
      replay.zoom = zoom;
      replay.flip("follow");
      replay.seek(replay.length / 4);
      const before = replay.t;
      replay.toggle();
      setTimeout(() => {
        replay.pause();
        figure.dataset.played = String(replay.t > before || replay.length === 0);
      }, 300);
    }
  };
  const start = () => {
    const figures = document.querySelectorAll("figure.twin-replay[data-scene]");
    if (testing) { figures.forEach(open); return; }
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) if (entry.isIntersecting) { open(entry.target); watch.unobserve(entry.target); }
    }, { rootMargin: "200px" });
    figures.forEach((figure) => watch.observe(figure));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
