"use strict";
// Draws the map of the representation on a canvas and lets it be explored.
(() => {
  const canvas = document.getElementById("map-canvas");
  if (!canvas) return;
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const pen = canvas.getContext("2d");
  const [tip, legend, note, projection, colouring] =
    ["map-tip", "map-legend", "map-note", "map-projection", "map-colour"].map((id) => document.getElementById(id));
  const SHAPES = ["circle", "square", "triangle", "cross"], COLOURS = 10, GRID = 4095, REACH = 18;
  const view = { zoom: 1, x: 0.5, y: 0.5 };
  const anyShown = Object.keys(data.shown).length > 0;
  let chosen = null, current = null, palette = [];
  let categories = { names: [], of: null, counts: [] };

  const inOrder = new Intl.Collator("en", { numeric: true }).compare;

  function categorise() {
    const kind = colouring.value;
    if (kind === "none") return { names: [], of: null, counts: [] };
    const values = { labels: () => data.labels.map((label) => data.classes[label]), groups: () => data.groups,
      clusters: () => data.clusters.map((cluster) => `cluster ${cluster}`) }[kind]();
    const counts = new Map();
    values.forEach((value) => counts.set(value, (counts.get(value) || 0) + 1));
    let names = kind === "labels" ? data.classes.filter((name) => counts.has(name)) : [...counts.keys()].sort(inOrder);
    const most = COLOURS * SHAPES.length;
    if (names.length > most) names = [...names].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, most);
    const place = new Map(names.map((name, index) => [name, index]));
    return { names, of: values.map((value) => place.has(value) ? place.get(value) : -1), counts: names.map((name) => counts.get(name)) };
  }

  function readPalette() {
    const style = getComputedStyle(document.documentElement);
    palette = Array.from({ length: COLOURS }, (_, index) => style.getPropertyValue(`--c${index}`).trim());
    palette.ink = style.getPropertyValue("--ink").trim();
    palette.soft = style.getPropertyValue("--soft").trim();
  }

  function toScreen(index) {
    const { x, y } = data.maps[projection.value];
    const width = canvas.clientWidth, height = canvas.clientHeight, side = (Math.min(width, height) - 32) * view.zoom;
    const stretch = Math.max(1, (width - 32) / Math.max(1, height - 32));
    return [width / 2 + (x[index] / GRID - view.x) * side * stretch, height / 2 - (y[index] / GRID - view.y) * side];
  }

  function mark(shape, x, y, r) {
    pen.beginPath();
    if (shape === 0) pen.arc(x, y, r, 0, 7);
    else if (shape === 1) pen.rect(x - r * .9, y - r * .9, r * 1.8, r * 1.8);
    else if (shape === 2) { pen.moveTo(x, y - r * 1.2); pen.lineTo(x + r * 1.15, y + r); pen.lineTo(x - r * 1.15, y + r); pen.closePath(); }
    else { pen.rect(x - r * 1.2, y - r * .4, r * 2.4, r * .8); pen.rect(x - r * .4, y - r * 1.2, r * .8, r * 2.4); }
    pen.fill();
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * ratio;
    canvas.height = canvas.clientHeight * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const count = data.ids.length;
    const radius = Math.min(6, Math.max(2.1, 110 / Math.sqrt(count)) * Math.pow(view.zoom, 0.35));
    for (const front of chosen === null ? [true] : [false, true]) {
      for (let index = 0; index < count; index++) {
        const category = categories.of ? categories.of[index] : -1;
        if (chosen !== null && (category === chosen) !== front) continue;
        const [x, y] = toScreen(index);
        if (x < -9 || y < -9 || x > canvas.clientWidth + 9 || y > canvas.clientHeight + 9) continue;
        pen.fillStyle = category < 0 ? (categories.of ? palette.soft : palette[0]) : palette[category % COLOURS];
        pen.globalAlpha = front ? (count > 3000 ? 0.72 : 0.85) : 0.1;
        mark(category < 0 ? 0 : Math.floor(category / COLOURS) % SHAPES.length, x, y, radius);
      }
    }
    pen.globalAlpha = 1;
    if (current !== null) {
      const [x, y] = toScreen(current);
      pen.strokeStyle = palette.ink;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, radius + 4, 0, 7);
      pen.stroke();
    }
  }

  let waiting = false;
  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function paragraph(text, kind) {
    const made = document.createElement("p");
    made.textContent = text;
    made.className = kind;
    return made;
  }

  function describe(index) {
    current = index;
    const parts = [];
    if (index !== null) {
      const shown = data.shown[index];
      if (shown && shown.png) {
        const image = document.createElement("img");
        image.src = `data:image/png;base64,${shown.png}`;
        image.alt = "";
        parts.push(image);
      }
      if (data.labels) parts.push(paragraph(data.classes[data.labels[index]] ?? "not labelled", "label"));
      if (shown && shown.text) parts.push(paragraph(shown.text, "words"));
      parts.push(paragraph(data.groups ? `${data.ids[index]} · ${data.groups[index]}` : data.ids[index], "id"));
    }
    tip.replaceChildren(...parts);
    if (index !== null) {
      const [x, y] = toScreen(index), size = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(4, x + 14 + size.width < canvas.clientWidth ? x + 14 : x - size.width - 14)}px`;
      tip.style.top = `${Math.max(4, Math.min(y - 20, canvas.clientHeight - size.height - 4))}px`;
    }
    redraw();
  }

  // A sample that can be shown wins over one that cannot and lies only a little nearer.
  function find(x, y) {
    let best = null, least = REACH;
    for (let index = 0; index < data.ids.length; index++) {
      if (chosen !== null && categories.of[index] !== chosen) continue;
      const [px, py] = toScreen(index);
      const far = Math.hypot(px - x, py - y) + (data.shown[index] ? 0 : 10);
      if (far < least) { least = far; best = index; }
    }
    return best;
  }

  function step(dx, dy) {
    if (current === null) return describe(find(canvas.clientWidth / 2, canvas.clientHeight / 2) ?? 0);
    const [x, y] = toScreen(current);
    let best = null, least = Infinity;
    for (let index = 0; index < data.ids.length; index++) {
      if (anyShown && !data.shown[index]) continue;
      const [px, py] = toScreen(index), along = (px - x) * dx + (py - y) * dy;
      const across = Math.abs((px - x) * dy - (py - y) * dx);
      if (along > 2 && along + 2 * across < least) { least = along + 2 * across; best = index; }
    }
    if (best !== null) describe(best);
  }

  function zoom(factor) {
    view.zoom = Math.min(40, Math.max(1, view.zoom * factor));
    if (view.zoom === 1) view.x = view.y = 0.5;
    describe(null);
  }

  function swatch(category) {
    const shapes = {
      circle: '<circle cx="7" cy="7" r="5"/>', square: '<rect x="2.5" y="2.5" width="9" height="9"/>',
      triangle: '<path d="M7 1.5L12.5 12H1.5Z"/>', cross: '<path d="M5 1h4v4h4v4H9v4H5V9H1V5h4Z"/>',
    };
    const made = document.createElement("span");
    made.innerHTML = `<svg viewBox="0 0 14 14" class="f${category % COLOURS}" style="background:none">${shapes[SHAPES[Math.floor(category / COLOURS)]]}</svg>`;
    return made.firstChild;
  }

  function refresh() {
    categories = categorise();
    chosen = null;
    note.textContent = data.maps[projection.value].note;
    legend.replaceChildren(...categories.names.map((name, category) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.append(swatch(category));
      button.appendChild(document.createElement("span")).textContent = name;
      button.appendChild(document.createElement("span")).textContent = categories.counts[category].toLocaleString("en");
      button.addEventListener("click", () => {
        chosen = chosen === category ? null : category;
        [...legend.children].forEach((other, place) => other.setAttribute("aria-pressed", String(place === chosen)));
        describe(null);
      });
      return button;
    }));
    describe(null);
  }

  let grabbed = null;
  canvas.addEventListener("pointerdown", (event) => { grabbed = { x: event.clientX, y: event.clientY }; });
  window.addEventListener("pointerup", () => { grabbed = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (grabbed && view.zoom > 1) {
      const side = (Math.min(canvas.clientWidth, canvas.clientHeight) - 32) * view.zoom;
      const stretch = Math.max(1, (canvas.clientWidth - 32) / Math.max(1, canvas.clientHeight - 32));
      view.x -= (event.clientX - grabbed.x) / (side * stretch);
      view.y += (event.clientY - grabbed.y) / side;
      grabbed = { x: event.clientX, y: event.clientY };
      describe(null);
      return;
    }
    describe(find(event.offsetX, event.offsetY));
  });
  canvas.addEventListener("click", (event) => describe(find(event.offsetX, event.offsetY)));
  canvas.addEventListener("pointerleave", () => describe(null));
  canvas.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (to) { event.preventDefault(); step(...to); }
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") zoom(1e-9);
    else if (event.key === "Escape") describe(null);
  });
  document.getElementById("map-in").addEventListener("click", () => zoom(1.5));
  document.getElementById("map-out").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("map-home").addEventListener("click", () => zoom(1e-9));
  [projection, colouring].forEach((select) => select.addEventListener("change", refresh));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readPalette(); redraw(); });
  new ResizeObserver(redraw).observe(canvas);
  readPalette();
  refresh();
})();
