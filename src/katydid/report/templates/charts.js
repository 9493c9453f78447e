"use strict";
// Makes a page's charts interactive: tooltips, zoom by dragging across, and lines that the legend switches on and off.
// It computes no values: texts and positions come from the charts, which are complete without this script.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const LEAST = 4; // fewest columns in a zoom

  class Figure {
    constructor(figure) {
      this.figure = figure;
      this.picture = figure.querySelector(":scope > svg");
      this.plot = figure.querySelector(".plot");
      this.told = new Map();
      for (const title of figure.querySelectorAll("svg title")) {
        this.told.set(title.parentNode, title.textContent);
        title.remove(); // the browser would show a second tooltip
      }
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      this.tip.setAttribute("role", "status");
      this.tip.hidden = true;
      figure.append(this.tip);
      this.picture.addEventListener("pointermove", (event) => this.point(event));
      this.picture.addEventListener("pointerleave", () => this.leave());
      if (this.plot) this.prepareZoom();
      for (const entry of figure.querySelectorAll(".legend [data-of]")) this.prepareSwitch(entry);
    }

    // Tooltips

    point(event) {
      const shape = event.target;
      if (this.told.has(shape)) this.tell(shape, event.clientX, event.clientY);
      else this.leave();
    }

    tell(shape, x, y) {
      this.leave();
      this.here = shape;
      shape.classList.add("here");
      this.tip.textContent = this.told.get(shape);
      this.tip.hidden = false;
      const frame = this.figure.getBoundingClientRect();
      const right = x - frame.left > frame.width / 2;
      this.tip.style.left = right ? "auto" : `${x - frame.left + 14}px`;
      this.tip.style.right = right ? `${frame.right - x + 14}px` : "auto";
      this.tip.style.top = `${Math.max(4, y - frame.top - this.tip.offsetHeight - 10)}px`;
    }

    leave() {
      this.here?.classList.remove("here");
      this.here = undefined;
      this.tip.hidden = true;
    }

    // Zoom

    prepareZoom() {
      this.columns = [...this.plot.querySelectorAll(".hover")];
      if (this.columns.length <= LEAST) return;
      const [x, y, width, height] = this.plot.getAttribute("viewBox").split(" ").map(Number);
      this.whole = { x, y, width, height };
      this.seen = [x, x + width];
      this.ticks = [...this.picture.querySelectorAll(":scope > .across")];
      this.named = [...this.picture.querySelectorAll(":scope > [data-at]")];
      this.picture.tabIndex = 0;
      this.picture.addEventListener("keydown", (event) => this.press(event));
      this.picture.addEventListener("dblclick", () => this.zoom(x, x + width));
      this.plot.addEventListener("pointerdown", (event) => this.pick(event));
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.textContent = "Show all";
      this.button.hidden = true;
      this.button.addEventListener("click", () => this.zoom(x, x + width));
      this.figure.querySelector("figcaption").append(this.button);
    }

    at(event) {
      return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.plot.getScreenCTM().inverse()).x;
    }

    pick(event) {
      if (event.button !== 0) return;
      const first = this.at(event);
      const { y, height } = this.whole;
      const picked = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ class: "picked", y, height, width: 0 })) picked.setAttribute(name, value);
      this.plot.append(picked);
      this.plot.setPointerCapture(event.pointerId);
      const done = new AbortController();
      const follow = (move) => {
        const ends = [first, this.at(move)].sort((a, b) => a - b);
        picked.setAttribute("x", ends[0]);
        picked.setAttribute("width", ends[1] - ends[0]);
        return ends;
      };
      const { signal } = done;
      this.plot.addEventListener("pointermove", follow, { signal });
      this.plot.addEventListener("pointercancel", () => { picked.remove(); done.abort(); }, { signal });
      this.plot.addEventListener("pointerup", (up) => {
        const ends = follow(up);
        picked.remove();
        done.abort();
        if (Math.abs(up.clientX - event.clientX) > 8) this.zoom(...ends);
      }, { signal });
    }

    // Zooms to whole columns, at least LEAST of them.
    zoom(from, to) {
      const place = (column) => [column.x.baseVal.value, column.x.baseVal.value + column.width.baseVal.value];
      const { x, y, width, height } = this.whole;
      const inside = this.columns.filter((column) => place(column)[1] > from + 0.5 && place(column)[0] < to - 0.5);
      if (inside.length < LEAST) return;
      const whole = inside.length === this.columns.length;
      const [a, b] = whole ? [x, x + width] : [place(inside[0])[0], place(inside.at(-1))[1]];
      this.seen = [a, b];
      this.plot.setAttribute("viewBox", `${a} ${y} ${b - a} ${height}`);
      this.figure.classList.toggle("zoomed", !whole);
      this.button.hidden = whole;
      this.leave();
      const moved = (at) => x + ((at - a) / (b - a)) * width;
      for (const label of this.named) {
        label.dataset.offset ??= label.getAttribute("x") - label.dataset.at;
        label.setAttribute("x", moved(Number(label.dataset.at)) + Number(label.dataset.offset));
        label.classList.toggle("off", Number(label.dataset.at) < a || Number(label.dataset.at) > b);
      }
      this.mark(whole ? [] : inside, (column) => moved((place(column)[0] + place(column)[1]) / 2));
    }

    // Replaces the ticks of the whole chart with labels of the visible columns, as many as fit.
    mark(columns, where) {
      for (const tick of this.picture.querySelectorAll(".zoom-tick")) tick.remove();
      for (const tick of this.ticks) tick.classList.toggle("off", columns.length > 0);
      let end = -Infinity;
      for (const column of columns) {
        const tick = this.ticks[0].cloneNode();
        tick.setAttribute("class", "tick zoom-tick");
        tick.setAttribute("x", where(column));
        tick.textContent = this.told.get(column).split("\n")[0];
        this.picture.append(tick);
        const box = tick.getBBox();
        const cut = box.x < 0 || box.x + box.width > this.picture.viewBox.baseVal.width;
        if (box.x < end || cut) tick.remove();
        else end = box.x + box.width + 16;
      }
    }

    press(event) {
      const [a, b] = this.seen;
      const seen = this.columns.filter((c) => c.x.baseVal.value >= a - 0.5 && c.x.baseVal.value < b - 0.5);
      const now = seen.indexOf(this.here);
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const next = seen[Math.min(Math.max(now + step, 0), seen.length - 1)];
        const box = next.getBoundingClientRect();
        this.tell(next, box.left + box.width / 2, box.top + box.height / 2);
      } else if (event.key === "+") {
        const middle = this.here ? this.here.x.baseVal.value : (a + b) / 2;
        this.zoom(Math.max(a, middle - (b - a) / 4), Math.min(b, middle + (b - a) / 4));
      } else if (event.key === "Escape" || event.key === "-") {
        this.zoom(this.whole.x, this.whole.x + this.whole.width);
      } else return;
      event.preventDefault();
    }

    // Legend

    prepareSwitch(entry) {
      const parts = this.picture.querySelectorAll(`[data-of="${entry.dataset.of}"]`);
      const flip = () => {
        const on = entry.getAttribute("aria-checked") !== "true";
        entry.setAttribute("aria-checked", String(on));
        for (const part of parts) part.classList.toggle("off", !on);
      };
      entry.parentNode.setAttribute("role", "group");
      entry.setAttribute("role", "switch");
      entry.setAttribute("aria-checked", "true");
      entry.tabIndex = 0;
      entry.addEventListener("click", flip);
      entry.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        flip();
        event.preventDefault();
      });
    }
  }

  for (const figure of document.querySelectorAll("figure[data-chart]")) new Figure(figure);
})();
