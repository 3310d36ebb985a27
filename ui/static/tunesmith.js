// The few things that only a browser can do. Everything else is Python.

// The words of a component come from Python, in the language that is in use: `{name} is empty.` and its values.
window.tsFill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

// Any element with data-copy copies that text. navigator.clipboard exists only on https and localhost,
// so plain-http LAN addresses take the older way.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const copied = await copyText(button.dataset.copy);
  button.classList.toggle("ts-copied", copied);
  button.classList.toggle("ts-copy-failed", !copied);
  clearTimeout(button.tsTimer);
  button.tsTimer = setTimeout(() => button.classList.remove("ts-copied", "ts-copy-failed"), 1600);
});

async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // The permission was refused; the older way may still work.
    }
  }
  const area = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  area.style.cssText = "position:fixed;opacity:0;top:0";
  // Inside a dialog the focus trap would take the focus back from an element of the body.
  (document.activeElement?.closest(".q-dialog") ?? document.body).append(area);
  const focused = document.activeElement;
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return copied;
}

// While a dialog is open, the page behind it is not read out: not every screen reader heeds Quasar's aria-modal. It is
// not made inert, because Quasar gives the focus back before anybody is told that the dialog goes.
new MutationObserver(() => {
  const page = document.getElementById("app");
  if (document.documentElement.classList.contains("nicegui-dialog-open")) page?.setAttribute("aria-hidden", "true");
  else page?.removeAttribute("aria-hidden");
}).observe(document.documentElement, { attributeFilter: ["class"] });

// Arrow keys move through the options of an open picker and the entries of a menu, as in native ones.
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".q-menu.ts-menu");
  if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const found = menu.querySelectorAll("button.ts-option:not([disabled]), [role=menuitem]:not(.disabled)");
  const options = [...found].filter((one) => one.offsetParent);
  if (!options.length) return;
  event.preventDefault();
  const step = event.key === "ArrowDown" ? 1 : -1;
  const at = options.indexOf(document.activeElement);
  options[at < 0 ? (step > 0 ? 0 : options.length - 1) : (at + step + options.length) % options.length].focus();
});

// A wizard step has opened: the page may have shrunk above it, so bring its head back on screen.
window.tsFocus = (element) => {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "nearest", behavior: "instant" });
};

// Charts of one group point at the same place, and are zoomed together where they are drawn over the same axis.
window.tsShareHover = (chart, Plotly) => {
  const others = () =>
    [...(chart.closest(".ts-charts")?.querySelectorAll(".js-plotly-plot") ?? [])].filter((other) => other !== chart);
  chart.on("plotly_hover", (event) => {
    const xval = event.xvals?.[0];
    if (xval === undefined) return;
    for (const other of others()) Plotly.Fx.hover(other, { xval, yval: 0 }, ["xy"], true);
  });
  chart.on("plotly_unhover", () => others().forEach((other) => Plotly.Fx.unhover(other)));
  chart.on("plotly_relayout", (change) => {
    const range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    const isReset = change["xaxis.autorange"] === true;
    if (chart.tsFollows || (range[0] === undefined && !isReset)) return;
    for (const other of others()) {
      other.tsFollows = true;
      const same = isReset ? { "xaxis.autorange": true, "yaxis.autorange": true } : { "xaxis.range": range };
      Plotly.relayout(other, same).finally(() => (other.tsFollows = false));
    }
  });
};

// A picture of a chart as it is on screen; the colours of text and ground are the stylesheet's, so they are told.
window.tsSavePng = (chart, Plotly, filename) => {
  const style = getComputedStyle(chart);
  const layout = {
    ...chart.layout,
    paper_bgcolor: getComputedStyle(document.body).backgroundColor,
    font: { ...chart.layout.font, color: style.color },
    xaxis: { ...chart.layout.xaxis, gridcolor: "rgba(122, 122, 140, 0.2)", range: chart._fullLayout.xaxis.range, autorange: false },
    yaxis: { ...chart.layout.yaxis, gridcolor: "rgba(122, 122, 140, 0.2)", range: chart._fullLayout.yaxis.range, autorange: false },
  };
  const size = { width: chart.clientWidth, height: chart.clientHeight, scale: 2 };
  return Plotly.downloadImage({ data: chart.data, layout }, { format: "png", filename, ...size });
};

// Quasar lets the inside of a list box take the focus, but a list box may hold nothing but options.
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) {
      if (node.role === "listbox") node.querySelector(".q-virtual-scroll__content")?.removeAttribute("tabindex");
    }
  }
}).observe(document.documentElement, { childList: true, subtree: true });

// Whether this browser is to say when a job ends: kept here, because its permission is this browser's as well.
window.tsNotify = {
  key: "tunesmith notify",
  isOn() {
    try {
      return localStorage.getItem(this.key) === "on" && window.Notification?.permission === "granted";
    } catch {
      return false; // a private window may refuse the storage
    }
  },
  set(isOn) {
    try {
      localStorage.setItem(this.key, isOn ? "on" : "off");
    } catch {
      return;
    }
  },
};
