/* What the browser does without asking the server. */
(function () {
  "use strict";

  const config = document.getElementById("_dash-config");
  const root = config ? JSON.parse(config.textContent).requests_pathname_prefix : "/";
  const setCookie = (name, value) => {
    document.cookie = name + "=" + encodeURIComponent(value) + "; path=" + root +
      "; samesite=lax; max-age=31536000";
  };
  /* The screen width that the next figures are drawn for. */
  const telephone = matchMedia("(max-width: 600px)");
  const noteWidth = () => setCookie("otel_fmd_narrow", telephone.matches ? "1" : "0");
  telephone.addEventListener("change", noteWidth);
  noteWidth();
  setCookie("otel_fmd_zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");

  /* The column menu closes on a click elsewhere, or Escape. */
  const closeChoices = (event) => {
    for (const one of document.querySelectorAll("details.columns[open]")) {
      if (event.type === "keydown" ? event.key === "Escape" : !one.contains(event.target)) {
        one.open = false;
        if (event.type === "keydown") one.querySelector("summary").focus();
      }
    }
  };
  document.addEventListener("click", closeChoices);
  document.addEventListener("keydown", closeChoices);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    fmd: {
      /* Selectors -> the address, which every page reads. */
      select: function (service, version, range, days, search) {
        const none = window.dash_clientside.no_update;
        const query = new URLSearchParams(search || "");
        const set = (key, value) => (value ? query.set(key, value) : query.delete(key));
        set("service", service);
        set("version", version);
        const picker = document.getElementById("days");
        if (range === "custom") {
          const box = picker && picker.closest(".mantine-DatePickerInput-root");
          if (box) box.style.display = "block";
          if (!days || !days[0] || !days[1]) return none;
          query.delete("range");
          query.set("from", days[0]);
          query.set("to", days[1]);
        } else {
          query.delete("from");
          query.delete("to");
          if (range && !(range === "7d" && !query.has("range"))) query.set("range", range);
        }
        query.delete("cursor");
        const text = query.toString();
        const next = text ? "?" + text : "";
        return next === (search || "") ? none : next;
      },
      /* The choices for a report: days as FIRST..LAST, versions by name. */
      report: function (values, ids, search) {
        const none = window.dash_clientside.no_update;
        const query = new URLSearchParams(search || "");
        for (let i = 0; i < ids.length; i++) {
          let value = values[i];
          if (Array.isArray(value)) value = value[0] && value[1] ? value[0] + ".." + value[1] : "";
          /* A value that the page came with is not the user's choice. */
          if (value && value !== ids[i].was) query.set(ids[i].part, value);
        }
        const next = "?" + query.toString();
        return !ids.length || query.toString() === new URLSearchParams(search || "").toString()
          ? none : next;
      },
      scheme: function (clicks, current) {
        if (!clicks) return Array(3).fill(window.dash_clientside.no_update);
        const next = current === "dark" ? "light" : "dark";
        setCookie("otel_fmd_scheme", next);
        document.documentElement.dataset.agThemeMode = next;
        return [next, next === "dark" ? "Light" : "Dark", next];
      },
      live: (checked) => !checked,
      burger: (opened, navbar) =>
        Object.assign({}, navbar, { collapsed: { mobile: !opened } }),
      /* A refreshed figure that keeps the user's zoom, hidden traces and levels. */
      freshen: function (fresh, id) {
        const none = window.dash_clientside.no_update;
        if (!fresh) return [none, none];
        const graph = document.getElementById(
          JSON.stringify({ type: "graph", view: id.view }));
        const plot = graph && graph.querySelector(".js-plotly-plot");
        if (plot && plot.layout) {
          for (const name of ["xaxis", "yaxis"]) {
            const old = plot.layout[name];
            const axis = fresh.figure.layout[name];
            if (old && axis && old.autorange === false && old.range) {
              axis.range = Array.from(old.range);
              axis.autorange = false;
            }
          }
          const before = new Map((plot.data || []).map((trace) => [trace.name, trace]));
          for (const trace of fresh.figure.data) {
            const old = before.get(trace.name);
            if (!old) continue;
            if (old.visible !== undefined) trace.visible = old.visible;
            if (old.level !== undefined) trace.level = old.level;
          }
        }
        return [fresh.figure, fresh.style];
      },
      columns: (chosen, columns) =>
        (columns || []).map((one) => Object.assign({}, one, { hide: !chosen.includes(one.field) })),
      png: function (clicks, id) {
        const none = window.dash_clientside.no_update;
        const graph = document.getElementById(
          JSON.stringify({ type: "graph", view: id.view }));
        const plot = graph && graph.querySelector(".js-plotly-plot");
        if (!clicks || !plot) return none;
        const box = plot.getBoundingClientRect();
        window.Plotly.downloadImage(plot, {
          format: "png", scale: 2, width: box.width, height: box.height, filename: id.view,
        });
        return none;
      },
      search: (text, options) => Object.assign({}, options, { quickFilterText: text || "" }),
    },
  });
})();
