/* Cells of tables: links that stay in the app, and sparklines without Plotly. */
const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

cells.FmdLink = (props) => {
  const href = props.data && props.data.href;
  const go = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };
  return href
    ? React.createElement("a", { href: href, onClick: go, className: "cell-link" }, props.value)
    : props.value;
};

cells.FmdSparkline = (props) => {
  const values = props.value || [];
  const most = Math.max(1, ...values);
  const width = 108;
  const height = 22;
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const points = values
    .map((v, i) => (i * step).toFixed(1) + "," + (height - 2 - (v / most) * (height - 4)).toFixed(1))
    .join(" ");
  const total = values.reduce((a, b) => a + b, 0);
  return React.createElement(
    "svg",
    {
      width: width,
      height: height,
      role: "img",
      "aria-label": total.toLocaleString("en") + " requests in the last 24 hours",
      className: "sparkline",
    },
    React.createElement("polyline", { points: points, fill: "none", strokeWidth: 1.5 })
  );
};
