"use strict";
// Draws the report from the JSON in #data. Text from models and files goes into the page as text nodes only.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const models = data.comparison.models;
  const main = document.getElementById("main");
  const names = models.map((m) => m.name);
  const colour = { domain: names, range: names.map((_, i) => `var(--m${i % 4})`) };
  const redraws = [];

  // Elements

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  function section(id, title, ...children) {
    const node = element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), ...children);
    main.append(node);
    document.getElementById("contents").append(element("li", {}, element("a", { href: `#${id}` }, title)));
    return node;
  }

  /// A figure whose chart is drawn for the width there is, and again when that changes.
  function chart(caption, note, draw) {
    const place = element("div");
    const figure = element("figure", {}, element("figcaption", {}, caption), note ? element("div", { class: "soft" }, note) : null, place);
    let drawn = 0;
    redraws.push((force) => {
      const width = Math.floor(place.clientWidth);
      if (width > 0 && (force || width !== drawn)) {
        drawn = width;
        const svg = draw(width);
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", caption);
        place.replaceChildren(svg);
      }
    });
    return figure;
  }

  // Figures

  const number = (value, digits) => (value === null || value === undefined ? "n/a" : value.toFixed(digits));
  const times = (value) => (value === null || value === undefined ? "n/a" : `${value.toFixed(2)}×`);
  const own = models.filter((m) => !m.is_peer);

  function tile(label, value, note) {
    return element("div", { class: "tile" }, element("span", { class: "soft" }, label), element("b", {}, value), note ? element("span", { class: "soft" }, note) : null);
  }

  function tilesOf(model) {
    const first = models[0];
    const total = (m) => (m.size ? m.size.encoder_bytes + m.size.decoder_bytes : 0);
    const drop = model.accuracy.drop;
    const tiles = [];
    if (!model.is_peer && !first.is_peer) {
      tiles.push(tile("Weights on disk", times(total(model) ? total(first) / total(model) : null), `smaller: ${(total(model) / 1e6).toFixed(1)} of ${(total(first) / 1e6).toFixed(1)} MB`));
      tiles.push(tile("Encoder", times(model.speed.encoder_speedup), "as fast, median inference"));
      tiles.push(tile("Decoder", times(model.speed.decoder_speedup), "as fast, median inference"));
      tiles.push(tile("Whole transcription", times(model.speed.transcription_speedup), "as fast, mean"));
    }
    tiles.push(tile("Word accuracy", `${number(model.accuracy.word_accuracy_percent, 2)} %`, drop ? `drop ${drop.points.toFixed(2)} points (${drop.interval[0].toFixed(2)} to ${drop.interval[1].toFixed(2)})` : null));
    return element("div", {}, models.length > 2 ? element("h3", {}, `${model.name} against ${first.name}`) : null, element("div", { class: "tiles" }, ...tiles));
  }

  function verdictSection() {
    const lines = data.comparison.verdicts.map((text, i) => {
      const drop = models.filter((m) => m.accuracy.drop)[i].accuracy.drop;
      const kind = !drop.is_shown ? "" : drop.points > 0 ? " lower" : " higher";
      return element("p", { class: `verdict${kind}` }, text);
    });
    section("verdict", "Result", ...lines, ...models.slice(1).map(tilesOf), models.length === 1 ? tilesOf(models[0]) : null);
  }

  // Charts

  const base = (width, rows) => ({ width, height: 46 + 30 * rows, marginLeft: Math.min(140, width * 0.3), style: { fontSize: "12px", background: "transparent" }, color: colour });
  const short = (name) => (name.length > 18 ? `…${name.slice(-17)}` : name);

  function sizeChart() {
    const rows = own.flatMap((m) => [
      { model: m.name, part: "encoder", mb: m.size.encoder_bytes / 1e6 },
      { model: m.name, part: "decoder", mb: m.size.decoder_bytes / 1e6 },
    ]);
    return chart("Size on disk (MB)", "darker: encoder, lighter: decoder", (width) => Plot.plot({
      ...base(width, own.length), x: { label: "MB", grid: true }, y: { label: null, tickFormat: short },
      marks: [
        Plot.barX(rows, { x: "mb", y: "model", fill: "model", fillOpacity: (d) => (d.part === "encoder" ? 1 : 0.55), order: null, sort: { y: null }, title: (d) => `${d.model}, ${d.part}: ${d.mb.toFixed(2)} MB` }),
        Plot.ruleX([0]),
      ],
    }));
  }

  function timeChart(caption, unit, spreadOf, note) {
    const rows = own.map((m) => ({ model: m.name, ...spreadOf(m) })).filter((d) => d.n > 0);
    if (rows.length === 0) return null;
    return chart(caption, note, (width) => Plot.plot({
      ...base(width, rows.length), x: { label: unit, grid: true, zero: true }, y: { label: null, domain: rows.map((d) => d.model), tickFormat: short },
      marks: [
        Plot.barX(rows, { x: "median", y: "model", fill: "model", fillOpacity: 0.75, title: (d) => `${d.model}: median ${d.median.toPrecision(4)} ${unit}, 5 % ${d.p5.toPrecision(4)}, 95 % ${d.p95.toPrecision(4)}, ${d.n} runs` }),
        Plot.ruleY(rows, { x1: "p5", x2: "p95", y: "model", strokeWidth: 1.5 }),
        Plot.tickX(rows, { x: "p5", y: "model", inset: 8 }),
        Plot.tickX(rows, { x: "p95", y: "model", inset: 8 }),
        Plot.ruleX([0]),
      ],
    }));
  }

  function intervalChart(caption, note, rows, unit, zero) {
    if (rows.length === 0) return null;
    const ends = rows.flatMap((d) => [d.value, d.low ?? d.value, d.high ?? d.value, ...(zero ? [0] : [])]);
    const margin = Math.max(0.25, 0.08 * (Math.max(...ends) - Math.min(...ends)));
    const domain = [Math.min(...ends) - margin, Math.max(...ends) + margin];
    return chart(caption, note, (width) => Plot.plot({
      ...base(width, rows.length), x: { label: unit, grid: true, domain }, y: { label: null, type: "band", domain: rows.map((d) => d.model), tickFormat: short },
      marks: [
        zero ? Plot.ruleX([0], { strokeDasharray: "4 3" }) : null,
        Plot.ruleY(rows.filter((d) => d.low !== null), { x1: "low", x2: "high", y: "model", stroke: "model", strokeWidth: 3 }),
        Plot.dot(rows, { x: "value", y: "model", fill: "model", r: 5, title: (d) => `${d.model}: ${d.value.toFixed(2)} (${d.low === null ? "no interval" : `${d.low.toFixed(2)} to ${d.high.toFixed(2)}`})` }),
      ].filter(Boolean),
    }));
  }

  function accuracyCharts() {
    const rows = models.filter((m) => m.accuracy.word_accuracy_percent !== null).map((m) => {
      const interval = m.accuracy.word_accuracy_interval;
      return { model: m.name, value: m.accuracy.word_accuracy_percent, low: interval ? interval[0] : null, high: interval ? interval[1] : null };
    });
    const drops = models.filter((m) => m.accuracy.drop).map((m) => ({ model: m.name, value: m.accuracy.drop.points, low: m.accuracy.drop.interval[0], high: m.accuracy.drop.interval[1] }));
    const chrf = models.filter((m) => m.accuracy.chrf !== null && data.comparison.data.task === "translate").map((m) => {
      const interval = m.accuracy.chrf_interval;
      return { model: m.name, value: m.accuracy.chrf, low: interval ? interval[0] : null, high: interval ? interval[1] : null };
    });
    return [
      intervalChart("Word accuracy (%)", "bar: 95 % bootstrap interval over utterances", rows, "%", false),
      intervalChart(`Drop against ${names[0]} (points)`, "paired bootstrap; an interval that crosses 0 shows no difference", drops, "points", true),
      intervalChart("chrF", "of translations; bar: 95 % bootstrap interval", chrf, "chrF2", false),
    ];
  }

  function chartsSection() {
    const charts = [
      ...accuracyCharts(),
      own.length > 0 ? sizeChart() : null,
      timeChart("Encoder inference (ms)", "ms", (m) => m.speed.encoder_ms || { n: 0 }, "median; whiskers: 5th to 95th percentile"),
      timeChart("Decoder inference (ms)", "ms", (m) => m.speed.decoder_ms || { n: 0 }, "median; whiskers: 5th to 95th percentile; the first of a window also projects the encoder's frames"),
      timeChart("Whole transcription (s per utterance)", "s", (m) => m.speed.transcription_s || { n: 0 }, "median; whiskers: 5th to 95th percentile"),
      timeChart("First segment (s)", "s", (m) => m.speed.first_segment_s || { n: 0 }, "median; whiskers: 5th to 95th percentile"),
    ];
    section("charts", "Accuracy, size and time", element("div", { class: "charts" }, ...charts));
  }

  function tableOf(rows, id) {
    const head = element("tr", {}, element("th", { scope: "col" }, ""), ...names.map((name) => element("th", { scope: "col" }, name)));
    const body = rows.map((row) => element("tr", {}, element("td", row.label.startsWith(" ") ? { class: "in" } : {}, row.label.trim()), ...row.cells.map((cell) => element("td", {}, cell))));
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table of figures" }, element("table", { id }, element("thead", {}, head), element("tbody", {}, ...body)));
  }

  function tablesSection() {
    section("figures", "All figures", tableOf(data.main_rows, "main-rows"), element("h3", {}, "How they ran"), tableOf(data.run_rows, "run-rows"), element("ul", { class: "soft" }, ...data.notes.map((note) => element("li", {}, note))),
      skippedList());
  }

  function skippedList() {
    const skipped = data.comparison.data.skipped;
    if (skipped.length === 0) return null;
    return element("details", {}, element("summary", {}, `Left out of the data: ${skipped.length}`), element("ul", {}, ...skipped.map((line) => element("li", {}, line))));
  }

  // Layers, as far as the quantizer's report tells of them

  const parts = ["encoder", "decoder"];
  const layersOf = (report, part) => (report[part] && Array.isArray(report[part].layers) ? report[part].layers : []);
  const has = (key) => (d) => typeof d[key] === "number" && Number.isFinite(d[key]);

  function layerPlot(caption, note, rows, marks, x) {
    if (rows.length === 0) return null;
    const step = 13;
    const margin = (width) => Math.min(280, width * 0.5);
    const label = (name, most) => (name.length > most ? `…${name.slice(1 - most)}` : name);
    return chart(caption, note, (width) => Plot.plot({
      width, height: 50 + step * new Set(rows.map((d) => d.name)).size, marginLeft: margin(width), style: { fontSize: "10px", background: "transparent" },
      x: { grid: true, ...x }, y: { label: null, type: "band", domain: [...new Set(rows.map((d) => d.name))], tickFormat: (name) => label(name, Math.floor(margin(width) / 5.8)) }, marks,
    }));
  }

  function sqnrPlot(part, layers) {
    const rows = layers.filter(has("sqnr_db"));
    return layerPlot(`SQNR of each layer, ${part} (dB)`, "signal to noise of its output, errors of the layers before included; higher is closer to floating point", rows,
      [Plot.ruleY(rows, { x1: 0, x2: "sqnr_db", y: "name", stroke: "var(--line)" }), Plot.dot(rows, { x: "sqnr_db", y: "name", fill: "var(--m1)", title: (d) => `${d.name}: ${d.sqnr_db.toFixed(1)} dB` })], { label: "dB" });
  }

  function rangePlot(part, layers) {
    const rows = layers.filter((d) => has("low")(d) && has("high")(d));
    return layerPlot(`Activation range of each layer, ${part}`, "smallest to largest value of its input in floating point", rows,
      [Plot.ruleX([0]), Plot.ruleY(rows, { x1: "low", x2: "high", y: "name", stroke: "var(--m0)", strokeWidth: 4, title: (d) => `${d.name}: ${d.low.toPrecision(4)} to ${d.high.toPrecision(4)}` })], { label: "value" });
  }

  function outlierPlot(part, layers) {
    const rows = layers.filter((d) => has("outlier_before")(d) && has("outlier_after")(d));
    return layerPlot(`Outlier channels before and after smoothing, ${part}`, "widest channel / median channel; hollow: before, filled: after", rows,
      [Plot.ruleY(rows, { x1: "outlier_before", x2: "outlier_after", y: "name", stroke: "var(--line)" }), Plot.dot(rows, { x: "outlier_before", y: "name", stroke: "var(--m1)", title: (d) => `${d.name}: ${d.outlier_before.toFixed(1)} before` }), Plot.dot(rows, { x: "outlier_after", y: "name", fill: "var(--m2)", title: (d) => `${d.name}: ${d.outlier_after.toFixed(1)} after` })], { label: "ratio", type: "log" });
  }

  function smoothingPlot(part, report) {
    const rows = ((report[part] || {}).steps || []).filter((s) => s.algorithm === "smooth_quant" && s.done && s.value > 0).map((s) => ({ name: s.node, spread: 1 / s.value }));
    return layerPlot(`Spread of SmoothQuant's scales, ${part}`, "largest scale / smallest: how unequal the channels of the input were", rows,
      [Plot.ruleY(rows, { x1: 1, x2: "spread", y: "name", stroke: "var(--line)" }), Plot.dot(rows, { x: "spread", y: "name", fill: "var(--m0)", title: (d) => `${d.name}: ${d.spread.toFixed(2)}` })], { label: "ratio", type: "log" });
  }

  function waterfall(report) {
    const steps = ((report.accuracy_control || {}).steps || []).filter(has("accuracy_percent"));
    if (steps.length === 0) return null;
    const rows = steps.map((step, i) => ({ name: step.reverted || "everything quantized", from: i === 0 ? step.accuracy_percent : steps[i - 1].accuracy_percent, to: step.accuracy_percent }));
    const low = Math.min(...rows.map((d) => d.to)) - 0.5;
    return layerPlot("Word accuracy as layers went back to floating point (%)", "from the top: each bar is what one layer gave back", rows,
      [Plot.ruleY(rows, { x1: (d) => Math.min(d.from, d.to), x2: (d) => Math.max(d.from, d.to), y: "name", stroke: (d) => (d.to >= d.from ? "var(--good)" : "var(--bad)"), strokeWidth: 6, title: (d) => `${d.name}: ${d.from.toFixed(2)} to ${d.to.toFixed(2)} %` }), Plot.dot(rows, { x: "to", y: "name", r: 3, fill: "currentColor" })], { label: "%", domain: [low, Math.max(...rows.map((d) => d.to)) + 0.2] });
  }

  function skippedSteps(report) {
    const rows = parts.flatMap((part) => ((report[part] || {}).steps || []).filter((s) => !s.done).map((s) => [part, s.algorithm, s.node, s.reason]));
    if (rows.length === 0) return null;
    const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", { style: "text-align:left" }, cell))));
    return element("details", {}, element("summary", {}, `Steps the quantizer skipped, with reasons: ${rows.length}`), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Skipped steps" }, element("table", {}, element("tbody", {}, ...body))));
  }

  function layersSection() {
    const measured = data.layers.filter((model) => parts.some((part) => layersOf(model, part).length > 0)).flatMap((model) => [
      element("h3", {}, `${model.name} against ${names[0]}, measured on one utterance in f32`),
      element("div", { class: "charts" }, ...parts.flatMap((part) => [sqnrPlot(part, layersOf(model, part)), outlierPlot(part, layersOf(model, part)), rangePlot(part, layersOf(model, part))])),
    ]);
    const reports = data.quantize_reports;
    const hint = reports.length > 0 ? [] : [element("p", { class: "soft" }, "With the quantizer's report, its steps are shown too: sotto_quantize.json in the model's directory, or sotto compare --quantize-report FILE.")];
    const children = reports.flatMap((report) => [
      element("p", { class: "soft" }, `${report.output || "?"}: quantized from ${report.model || "?"}, ${report.calibration ? report.calibration.n_utterances : "?"} utterances of calibration speech`),
      element("div", { class: "charts" }, waterfall(report), ...parts.flatMap((part) => [sqnrPlot(part, layersOf(report, part)), rangePlot(part, layersOf(report, part)), outlierPlot(part, layersOf(report, part)), smoothingPlot(part, report)])),
      skippedSteps(report),
    ]);
    section("layers", "Layers", ...measured, ...hint, ...children);
  }

  // Utterances

  const editClass = { hit: "", substitution: "sub", deletion: "del", insertion: "ins" };

  function diffLine(who, words) {
    const spans = words.map(([edit, reference, heard]) => {
      const text = edit === "deletion" ? reference : heard;
      const node = element("span", { class: `w ${editClass[edit]}`.trim() }, text);
      if (edit !== "hit") node.title = edit === "substitution" ? `substituted for “${reference}”` : edit === "deletion" ? "deleted" : "inserted";
      return node;
    });
    return element("div", { class: "diff" }, element("span", { class: "who" }, who), ...(spans.length ? spans.flatMap((node) => [node, " "]) : [element("em", { class: "soft" }, "nothing")]));
  }

  function utteranceDetails(item, open) {
    const truth = element("div", { class: "diff" }, element("span", { class: "who" }, "said"), item.reference || "(no words)");
    const lines = item.models.map((words, k) => diffLine(names[k], words));
    const errors = item.errors.map((n, k) => `${names[k]} ${n}`).join(", ");
    const audio = item.audio ? element("audio", { controls: "", preload: "metadata", src: item.audio, "aria-label": `Recording ${item.id}` }) : null;
    const node = element("details", open ? { open: "" } : {}, element("summary", {}, `${item.id} — errors: ${errors}`), truth, ...lines, audio);
    return node;
  }

  function utterancesSection() {
    const note = data.n_changed === 0 ? "Every model heard the same words in every utterance; these have the most errors, or come first." : `${data.n_changed} of ${models[0].n_utterances} utterances were heard differently; the most changed first. Words as they are counted, after normalization.`;
    const legend = element("p", { class: "diff soft" }, element("span", { class: "w sub" }, "substituted"), " ", element("span", { class: "w del" }, "deleted"), " ", element("span", { class: "w ins" }, "inserted"));
    section("utterances", "Utterances that changed most", element("p", { class: "soft" }, note), legend, ...data.utterances.map((item, i) => utteranceDetails(item, i < 5)));
  }

  function repeatSection() {
    const machine = data.comparison.environment;
    section("repeat", "Repeat it", element("pre", { tabindex: "0" }, data.commands.join("\n")),
      element("p", { class: "soft" }, `sotto ${machine.sotto_version}, OpenVINO ${machine.openvino_version}; ${machine.cpu_name || "processor not known"}, ${machine.n_cores} cores (${machine.cpu_features.join(" ")})`));
  }

  // Theme

  function setTheme(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    button.setAttribute("aria-pressed", String(dark));
    button.textContent = dark ? "Light" : "Dark";
  }

  function redraw(force) {
    for (const draw of redraws) draw(force);
  }

  setTheme(window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.getElementById("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
  document.getElementById("title").textContent = names.join(" · ");
  document.title = `sotto: ${names.join(", ")}`;
  verdictSection();
  chartsSection();
  tablesSection();
  layersSection();
  utterancesSection();
  repeatSection();
  redraw(true);
  window.addEventListener("resize", () => redraw(false));
  window.addEventListener("beforeprint", () => {
    setTheme(false);
    for (const details of document.querySelectorAll("#utterances details")) details.open = true;
  });
})();
