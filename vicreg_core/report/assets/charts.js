"use strict";
// Reads single values off the line charts, by pointer or by arrow keys.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const short = (value) => value === null ? "–" : Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });

  function position([low, high, start, end, log], value) {
    const along = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return start + along * (end - start);
  }

  function nearest(values, scale, x) {
    let best = 0;
    values.forEach((value, place) => {
      if (Math.abs(position(scale, value) - x) < Math.abs(position(scale, values[best]) - x)) best = place;
    });
    return best;
  }

  function tooltip() {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("aria-live", "polite");
    return document.body.appendChild(tip);
  }

  const tip = tooltip();

  function row(name, value, colour) {
    const line = document.createElement("div");
    if (colour !== null) line.appendChild(document.createElement("i")).className = `key k${colour}`;
    line.appendChild(document.createElement("span")).textContent = name;
    line.appendChild(document.createElement("b")).textContent = value;
    return line;
  }

  function attach(svg) {
    const { label, axes, lines } = JSON.parse(svg.dataset.chart);
    if (!lines.length) return;
    const xs = lines[0].x;
    const cursor = document.createElementNS(SVG, "line");
    cursor.setAttribute("class", "cursor");
    let place = xs.length - 1;

    function show(x) {
      place = nearest(xs, axes[0], x);
      const at = position(axes[0], xs[place]);
      Object.entries({ x1: at, x2: at, y1: axes[1][3], y2: axes[1][2] }).forEach(([key, value]) => cursor.setAttribute(key, value));
      svg.appendChild(cursor);
      tip.replaceChildren(row(label, short(xs[place]), null), ...lines.map((line) => {
        const own = line.x || xs;
        return row(line.name, short(line.y[nearest(own, axes[0], at)]), line.colour);
      }));
      const box = svg.getBoundingClientRect(), size = tip.getBoundingClientRect();
      const left = box.left + at * box.width / svg.viewBox.baseVal.width + 12;
      const fits = left + size.width < document.documentElement.clientWidth - 8;
      tip.style.left = `${window.scrollX + (fits ? left : Math.max(4, left - size.width - 24))}px`;
      tip.style.top = `${window.scrollY + box.top + 14}px`;
    }

    function hide() {
      cursor.remove();
      tip.replaceChildren();
    }

    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      show((event.clientX - box.left) * svg.viewBox.baseVal.width / box.width);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -xs.length, End: xs.length }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      show(position(axes[0], xs[Math.min(xs.length - 1, Math.max(0, place + step))]));
    });
  }

  document.querySelectorAll("svg[data-chart]").forEach(attach);
})();
