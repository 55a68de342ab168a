"use strict";
// The interactive elements: inflated when they come near the window, each in a frame of its own that
// may run its script and nothing else.
const inflate = async (id) => {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
const inScript = (value) => JSON.stringify(value).replace(/</g, "\\u003c");
const tell =
  "new ResizeObserver(() => parent.postMessage({height: document.documentElement.scrollHeight}, '*'))" +
  ".observe(document.body);";
const documents = {
  // The element opens with the first metric that it knows; the gate's own is ticked instead.
  indicators: async ({ opened, ...data }) =>
    "<script>" + (await inflate("packed-indicators")).replace(/<\/script/gi, "<\\/script") + "<\/script></head><body><script>" +
    "const element = document.createElement('fairness-nb-container');" +
    "Object.assign(element, " + inScript(data) + "); document.body.append(element);" +
    "setTimeout(() => { const list = element.shadowRoot.querySelector('fairness-metric-and-slice-selector');" +
    "const metric = (list.metricsListCandidates_ || []).find((each) => Object.values(each).some((name) =>" +
    "String(name).endsWith('/' + " + inScript(opened) + "))); if (metric) list.selectedMetricsListCandidates_ = [metric];" +
    "}, 50);" + tell + "<\/script>",
  facets: async (data) =>
    (await inflate("packed-facets")) + "<body><facets-overview></facets-overview><script>" +
    "document.querySelector('facets-overview').protoInput = " + inScript(data) + ";" + tell + "<\/script>",
};
const show = async (place) => {
  const status = place.querySelector("[role=status]");
  try {
    const data = JSON.parse(document.getElementById("data-" + place.dataset.element).textContent);
    const frame = document.createElement("iframe");
    frame.title = place.dataset.title;
    frame.setAttribute("sandbox", "allow-scripts");
    frame.srcdoc =
      "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>" + place.dataset.title + "</title>" +
      "<style>body{margin:0;background:#fff;color:#111;font-family:sans-serif}</style>" +
      (await documents[place.dataset.element](data));
    addEventListener("message", (event) => {
      const height = event.source === frame.contentWindow && Number(event.data.height);
      if (height > 0) frame.style.height = Math.min(Math.max(height + 8, 320), 1100) + "px";
    });
    status.remove();
    place.append(frame);
    fit();
  } catch (error) {
    status.textContent = "This browser cannot show the element (" + error + "). The tables have its numbers.";
  }
};
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    show(entry.target);
  }
}, { rootMargin: "600px" });
for (const place of document.querySelectorAll(".element")) near.observe(place);
// A wide element is shown whole, smaller, where the window is narrower.
const WIDE = 960; // pixels, as in the style sheet
const fit = () => {
  for (const frame of document.querySelectorAll(".element iframe")) {
    const { paddingLeft, paddingRight } = getComputedStyle(frame.parentElement);
    const room = frame.parentElement.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    frame.style.zoom = Math.min(1, room / WIDE);
  }
};
addEventListener("resize", fit);
// Every table as CSV (RFC 4180): the whole numbers, not as they are rounded for the eye.
const cells = (row) => [...row.children].map((cell) => {
  const copy = cell.cloneNode(true);
  const beside = cell.matches("td") ? copy.querySelector(".range")?.textContent ?? "" : "";
  if (beside) copy.querySelector(".range").remove();
  for (const data of copy.querySelectorAll("data")) data.textContent = data.value;
  const text = copy.textContent.replace(/\s+/g, " ").trim();
  return { text, beside, wide: cell.colSpan, tall: cell.rowSpan };
});
const grid = (table) => {
  const rows = [];
  [...table.rows].forEach((row, place) => {
    rows[place] ??= [];
    let at = 0;
    for (const { text, beside, wide, tall } of cells(row)) {
      while (rows[place][at] !== undefined) at += 1;
      for (let down = 0; down < tall; down += 1)
        for (let across = 0; across < wide; across += 1)
          (rows[place + down] ??= [])[at + across] = across ? { text: "", beside: "" } : { text, beside };
      at += wide;
    }
  });
  // What stands beside a number, such as its interval, has a column of its own.
  const width = Math.max(...rows.map((row) => row.length));
  const columns = [...Array(width).keys()];
  const double = columns.map((at) => rows.some((row) => row[at]?.beside));
  return rows.map((row, place) => columns.flatMap((at) => {
    const { text, beside } = row[at] ?? { text: "", beside: "" };
    return double[at] ? [text, place ? beside : text + ": range"] : [text];
  }));
};
// What a spreadsheet would take for a formula is text; a number is a number.
const quoted = (text) => {
  const safe = /^[=+\-@\t]/.test(text) && !/^[+\-]?[\d.]+(e[+\-]?\d+)?$/i.test(text) ? "'" + text : text;
  return /[",\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
};
const asCsv = (table) => grid(table).map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
for (const region of document.querySelectorAll(".scroll[role=region]")) {
  const name = region.getAttribute("aria-label").replace(/^Table: /, "");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "save";
  button.textContent = "CSV";
  button.setAttribute("aria-label", "Save as CSV: " + name);
  button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", asCsv(region.querySelector("table"))], { type: "text/csv" }));
    link.download = name.replace(/\W+/g, "_") + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  region.after(button);
}
