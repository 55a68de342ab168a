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
