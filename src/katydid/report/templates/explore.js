"use strict";
// Adds an "Explore" button to each figure: the same numbers in ECharts, to zoom, toggle and point at.
// The page is complete without this. Texts reach ECharts as texts only: its tooltips are drawn, not HTML.
(() => {
  const charts = JSON.parse(document.getElementById("chart-data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const open = new Map();

  const palette = () => {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  };
  const short = (value) => (value == null ? "–" : Number(value.toPrecision(4)).toLocaleString("en"));
  const clock = (seconds) => {
    const whole = Math.round(seconds);
    return whole < 60 ? `${short(seconds)} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };
  const percent = (nines) => `${Number((100 * (1 - 10 ** -nines)).toPrecision(6))} %`;

  const xAxis = (chart, colour) => {
    const xs = [...chart.lines.flatMap((l) => l.points.map((p) => p[0])), ...chart.bars.flatMap((b) => b.edges)];
    const [first, last] = [Math.min(...xs), Math.max(...xs)];
    const axis = { type: "value", axisLine: { lineStyle: { color: colour("quiet") } }, splitLine: { show: false } };
    const label = (more) => ({ axisLabel: { color: colour("soft"), hideOverlap: true, ...more } });
    if (chart.scale === "time") return { ...axis, min: 0, max: last, ...label({ formatter: clock, showMaxLabel: false }) };
    if (chart.scale === "tail") {
      const customValues = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999].filter((q) => q <= last).map((q) => place(chart, q));
      return { ...axis, max: place(chart, last), axisTick: { customValues }, ...label({ customValues, formatter: percent }) };
    }
    const ends = { min: first, max: last, name: chart.x_unit };
    if (chart.scale !== "log") return { ...axis, ...ends, ...label({ formatter: short, showMinLabel: false, showMaxLabel: false }) };
    const decades = [...Array(13).keys()].map((d) => 10 ** (d - 4));
    const customValues = decades.flatMap((d) => [d, 2 * d, 5 * d]).filter((v) => first <= v && v <= last);
    return { ...axis, ...ends, type: "log", axisTick: { customValues }, ...label({ customValues, formatter: short }) };
  };
  const place = (chart, x) => (chart.scale === "tail" ? -Math.log10(Math.max(1 - x, 1e-9)) : x);

  const line = (chart, colour) => (l) => ({
    name: l.label, type: "line", yAxisIndex: l.right ? 1 : 0, showSymbol: false, color: colour(l.style), z: 3,
    lineStyle: { width: 2, type: l.style === "quiet" ? "dashed" : "solid" },
    data: l.points.map(([x, y]) => [place(chart, x), y]),
  });
  const bars = (colour) => (b) => ({
    name: b.label, type: "custom", color: colour(b.style), yAxisIndex: b.lane ? 2 : 0, clip: true,
    encode: { x: [0, 1], y: 2, tooltip: [2] },
    data: b.heights.map((height, i) => [b.edges[i], b.edges[i + 1], height]),
    renderItem: (_, api) => {
      const [left, top] = api.coord([api.value(0), api.value(2)]);
      const [right, bottom] = api.coord([api.value(1), 0]);
      const shape = { x: left, y: top, width: Math.max(1, right - left - 1), height: bottom - top };
      return { type: "rect", shape, style: { fill: colour(b.style), opacity: 0.8 } };
    },
  });

  const option = (chart) => {
    const colour = palette();
    const text = { color: colour("soft") };
    const y = { type: "value", axisLabel: text, nameTextStyle: text, splitLine: { lineStyle: { color: colour("rule") } } };
    const lane = Math.max(0, ...chart.bars.filter((b) => b.lane).flatMap((b) => b.heights));
    const heading = (x) => ({ time: clock(x), tail: percent(x) })[chart.scale] ?? `${short(x)} ${chart.x_unit}`;
    const value = (p) => short(p.value[p.value.length - 1]);
    return {
      animation: false,
      aria: { enabled: true, label: { description: `${chart.title}: ${chart.note}` } },
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, ...text },
      grid: { left: 56, right: 48, top: 40, bottom: 64 },
      legend: { top: 0, textStyle: text, inactiveColor: colour("rule") },
      tooltip: {
        trigger: chart.lines.length ? "axis" : "item", renderMode: "richText", confine: true,
        backgroundColor: colour("card"), borderColor: colour("rule"), textStyle: { color: colour("ink") },
        formatter: (found) => {
          const all = [found].flat();
          const first = all[0].value;
          const head = chart.lines.length ? heading(all[0].axisValue) : `${short(first[0])} to ${heading(first[1])}`;
          return [head, ...all.map((p) => `${p.seriesName}: ${value(p)}`)].join("\n");
        },
      },
      dataZoom: [{ type: "inside", filterMode: "none" }, { type: "slider", height: 18, bottom: 8, filterMode: "none" }],
      xAxis: { ...xAxis(chart, colour), nameTextStyle: text },
      yAxis: [
        { ...y, name: chart.unit },
        { ...y, name: chart.right_unit, splitLine: { show: false }, show: chart.lines.some((l) => l.right) },
        { type: "value", max: lane * 5 || 1, show: false },
      ],
      series: [...chart.bars.map(bars(colour)), ...chart.lines.map(line(chart, colour))],
    };
  };

  const toggle = (figure, button) => {
    const picture = figure.querySelector("svg");
    const shown = open.get(figure);
    figure.classList.toggle("exploring", !shown); // before ECharts measures the room that it has
    if (shown) {
      shown.dispose();
      figure.querySelector(".canvas").remove();
      open.delete(figure);
    } else {
      const canvas = document.createElement("div");
      canvas.className = "canvas";
      picture.after(canvas);
      const chart = echarts.init(canvas, null, { renderer: "svg" });
      chart.setOption(option(charts[figure.dataset.chart]));
      open.set(figure, chart);
    }
    button.textContent = shown ? "Explore" : "Picture";
    button.setAttribute("aria-pressed", String(!shown));
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    if (!(figure.dataset.chart in charts)) continue; // a picture only
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Explore";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `Explore: ${charts[figure.dataset.chart].title}`);
    button.addEventListener("click", () => toggle(figure, button));
    figure.querySelector("figcaption").append(button);
  }
  addEventListener("resize", () => open.forEach((chart) => chart.resize()));
  dark.addEventListener("change", () => {
    for (const [figure, chart] of open) chart.setOption(option(charts[figure.dataset.chart]), true);
  });
})();
